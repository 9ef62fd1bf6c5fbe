/** Traces drawn as text for tests of the page: one line a span, indentation is the parent, the bar is its time. */
import type { WireSpan } from '../../collector/serve/wire.ts';

/**
 * Each line: `service operation |  ====X  | key=value …`; a column of the bar is 10 ms, `=` time, `X` an error at the
 * end, `~` still open. Known keys: kind, id, parent, phases (`dns:2,connect:98!`, `!` unfinished); others are
 * attributes.
 */
export function drawSpans(drawing: string): WireSpan[] {
  const spans: WireSpan[] = [];
  const open: { indent: number; spanId: string }[] = [];
  for (const line of drawing.split('\n').filter((text) => text.includes('|'))) {
    const [left = '', bar = '', right = ''] = line.split('|');
    const indent = left.length - left.trimStart().length;
    const [service = '', ...operation] = left.trim().split(/\s+/);
    while ((open.at(-1)?.indent ?? -1) >= indent) open.pop();
    const pairs = new Map(
      right
        .trim()
        .split(/\s+/)
        .filter(Boolean)
        .map((pair) => splitOnce(pair)),
    );
    const spanId = pairs.get('id') ?? (spans.length + 1).toString(16).padStart(16, '0');
    const start = bar.search(/[=X~]/);
    const length = bar.trim().length;
    spans.push({
      spanId,
      parentSpanId: pairs.get('parent') ?? open.at(-1)?.spanId ?? '',
      service,
      operation: operation.join(' '),
      kind: pairs.get('kind') ?? 'internal',
      startOffsetMs: Math.max(0, start) * 10,
      durationMs: length * 10,
      skewMs: 0,
      pending: bar.includes('~'),
      status: bar.includes('X') ? { code: 'error', message: 'failed' } : { code: 'unset', message: '' },
      phases: readPhases(pairs.get('phases') ?? ''),
      attributes: Object.fromEntries(
        [...pairs].filter(([key]) => !['id', 'parent', 'kind', 'phases'].includes(key)),
      ),
      resource: { 'service.name': service },
      scope: {},
      events: [],
      links: [],
      traceState: '',
      flags: 1,
      dropped: {},
    });
    open.push({ indent, spanId });
  }
  return spans;
}

function splitOnce(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function readPhases(text: string): WireSpan['phases'] {
  let startOffsetMs = 0;
  return text
    .split(',')
    .filter(Boolean)
    .map((part) => {
      const [phase = '', duration = ''] = part.split(':');
      const durationMs = Number.parseFloat(duration);
      const read = {
        phase: phase as WireSpan['phases'][number]['phase'],
        startOffsetMs,
        durationMs,
        open: part.endsWith('!'),
      };
      startOffsetMs += durationMs;
      return read;
    });
}
