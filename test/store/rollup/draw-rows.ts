/** Lines of a trace for tests, from a few words a span. */
import {
  CODES,
  createLines,
  END_HIGH,
  END_LOW,
  LINE_WORDS,
  OPERATION,
  PARENT_HIGH,
  PARENT_LOW,
  PEER,
  RESOURCE,
  SPAN_HIGH,
  SPAN_LOW,
  START_HIGH,
  START_LOW,
  type RowLines,
} from '../../../collector/store/rollup/row-lines.ts';
import { TIMEOUT_PHASES } from '../../../collector/store/rollup/cell.ts';
import { Tally, type RowNames } from '../../../collector/store/rollup/tally.ts';

const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
const OUTCOMES = { ok: 0, error: 1, timeout: 2, cancelled: 3 } as const;

export interface DrawnSpan {
  readonly id: number;
  readonly parent?: number;
  readonly service: string;
  readonly kind: keyof typeof KINDS;
  readonly startMs: number;
  readonly durationMs: number;
  readonly outcome?: keyof typeof OUTCOMES;
  readonly flags?: number;
  readonly phase?: (typeof TIMEOUT_PHASES)[number];
  readonly budgetMs?: number;
  readonly peer?: number;
}

/** Operation and resource are one per service here. */
export const SERVICES = ['', 'gateway', 'checkout', 'payments'];
export const NAMES: RowNames = {
  service: (operation) => SERVICES[operation]!,
  edgeKind: () => 'http',
  version: (resource) => ({ service: SERVICES[resource]!, version: '1' }),
};

export function drawRows(spans: readonly DrawnSpan[]): RowLines {
  const lines = createLines(spans.length);
  const { words } = lines;
  lines.count = spans.length;
  spans.forEach((span, line) => {
    const at = line * LINE_WORDS;
    const startUnixNano = BigInt(Math.round(span.startMs * 1e6));
    const endUnixNano = startUnixNano + BigInt(Math.round(span.durationMs * 1e6));
    words[at + SPAN_LOW] = span.id;
    words[at + SPAN_HIGH] = 7;
    words[at + PARENT_LOW] = span.parent ?? 0;
    words[at + PARENT_HIGH] = span.parent === undefined ? 0 : 7;
    words[at + START_HIGH] = Number(startUnixNano >> 32n);
    words[at + START_LOW] = Number(startUnixNano & 0xffffffffn);
    words[at + END_HIGH] = Number(endUnixNano >> 32n);
    words[at + END_LOW] = Number(endUnixNano & 0xffffffffn);
    words[at + RESOURCE] = SERVICES.indexOf(span.service);
    words[at + OPERATION] = SERVICES.indexOf(span.service);
    words[at + PEER] = span.kind === 'client' || span.kind === 'producer' ? (span.peer ?? 9) : 0;
    words[at + CODES] = KINDS[span.kind] | (OUTCOMES[span.outcome ?? 'ok'] << 8) | ((span.flags ?? 0) << 16);
    if (span.phase !== undefined || span.budgetMs !== undefined) {
      lines.giveUps.set(line, {
        phaseIndex: TIMEOUT_PHASES.indexOf(span.phase ?? 'none'),
        budgetMs: span.budgetMs ?? null,
      });
    }
  });
  return lines;
}

export function count(tally: Tally, spans: readonly DrawnSpan[], sign: 1 | -1): void {
  const lines = drawRows(spans);
  tally.add(lines, 0, lines.count, sign);
}

export function tallyOf(...traces: (readonly DrawnSpan[])[]): Tally {
  const tally = new Tally(NAMES);
  for (const trace of traces) count(tally, trace, 1);
  return tally;
}
