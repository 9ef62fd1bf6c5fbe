/** The mini-map's lines: rows that share a line of pixels are drawn once, so that size does not grow with spans. Pure. */
import type { Problem } from './problems.ts';
import type { Row } from './tree.ts';

export interface MinimapLine {
  readonly y: number;
  readonly height: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly problem: 'timeout' | 'error' | null;
}

const WORSE = { timeout: 2, error: 1, none: 0 };

export function minimapLines(
  rows: readonly Row[],
  visible: Int32Array,
  problems: ReadonlyMap<string, Problem>,
  heightPx: number,
): MinimapLine[] {
  const pitch = Math.min(4, heightPx / Math.max(1, visible.length));
  const height = Math.max(1, pitch - 1);
  const lines = new Map<number, { -readonly [K in keyof MinimapLine]: MinimapLine[K] }>();
  visible.forEach((index, at) => {
    const row = rows[index];
    if (row?.kind !== 'span') return;
    const y = Math.floor(at * pitch);
    const startMs = row.span.startOffsetMs;
    const endMs = startMs + Math.max(0, row.span.durationMs);
    const found = problems.get(row.id);
    const problem = found === 'timeout' || found === 'error' ? found : null;
    const line = lines.get(y);
    if (!line) lines.set(y, { y, height, startMs, endMs, problem });
    else {
      line.startMs = Math.min(line.startMs, startMs);
      line.endMs = Math.max(line.endMs, endMs);
      if (WORSE[problem ?? 'none'] > WORSE[line.problem ?? 'none']) line.problem = problem;
    }
  });
  return [...lines.values()];
}
