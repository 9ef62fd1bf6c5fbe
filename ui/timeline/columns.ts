/** A trace as typed arrays: read from the collector's answer without parsing or copying, and one span of it at a time. Pure. */
import type { ColumnHead, ColumnPlace, Phase, TraceColumnsHead } from '../../collector/serve/wire.ts';

const ARRAYS = { u8: Uint8Array, u32: Uint32Array, i32: Int32Array, f32: Float32Array, f64: Float64Array };
type ArrayOf = { [T in ColumnPlace['type']]: InstanceType<(typeof ARRAYS)[T]> };
const LENGTH_BYTES = 4;

/** Takes a column file apart; what it gives are views of `file`. Throws when it is none. */
export function readColumnFile<Head extends ColumnHead>(file: ArrayBuffer) {
  const headLength = file.byteLength < LENGTH_BYTES ? Infinity : new DataView(file).getUint32(0, true);
  const headEnd = LENGTH_BYTES + headLength;
  if (headEnd > file.byteLength) {
    throw new Error(`columns: got ${file.byteLength} bytes, expected a head of ${headLength} bytes`);
  }
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(file, LENGTH_BYTES, headLength))) as Head;
  return {
    head,
    column<Type extends ColumnPlace['type']>(name: string, type: Type): ArrayOf[Type] {
      const place = head.columns[name];
      if (place?.type !== type) throw new Error(`columns: got no ${type} “${name}”, expected one`);
      const { at, length } = place;
      const column = at === null ? new ARRAYS[type](length) : new ARRAYS[type](file, headEnd + at, length);
      return column as ArrayOf[Type];
    },
  };
}

/** The entries of one span stand at its index in every array. */
export interface TraceColumns {
  readonly head: TraceColumnsHead;
  readonly count: number;
  readonly start: Float64Array;
  readonly duration: Float64Array;
  readonly skew: Float64Array;
  readonly service: Uint32Array;
  readonly operation: Uint32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly outcome: Uint8Array;
  readonly marks: Uint8Array;
  /** Index of the parent; -1 at a root, -2 - n below the n-th missing parent. */
  readonly parent: Int32Array;
  readonly spanId: Uint8Array;
  readonly phaseEnd: Uint32Array;
  readonly phase: Uint8Array;
  readonly phaseMs: Float32Array;
  readonly budgetOf: Uint32Array;
  readonly budgetMs: Float64Array;
  readonly silentOf: Uint32Array;
  readonly silentCallee: Uint32Array;
  readonly silentNever: Uint8Array;
}

export const NOT_ENDED = 1;
export const CYCLE = 2;
const PROCESS_ENDED = 4;
export const CALL_ABSENT = 8;
const UNFINISHED = 128;
const SPAN_ID_BYTES = 8;

export function readTraceColumns(file: ArrayBuffer): TraceColumns {
  const { head, column } = readColumnFile<TraceColumnsHead>(file);
  return {
    head,
    count: head.spans,
    start: column('start', 'f64'),
    duration: column('duration', 'f64'),
    skew: column('skew', 'f64'),
    service: column('service', 'u32'),
    operation: column('operation', 'u32'),
    kind: column('kind', 'u8'),
    status: column('status', 'u8'),
    outcome: column('outcome', 'u8'),
    marks: column('marks', 'u8'),
    parent: column('parent', 'i32'),
    spanId: column('spanId', 'u8'),
    phaseEnd: column('phaseEnd', 'u32'),
    phase: column('phase', 'u8'),
    phaseMs: column('phaseMs', 'f32'),
    budgetOf: column('budgetOf', 'u32'),
    budgetMs: column('budgetMs', 'f64'),
    silentOf: column('silentOf', 'u32'),
    silentCallee: column('silentCallee', 'u32'),
    silentNever: column('silentNever', 'u8'),
  };
}

/** With the times as they were sent: the shift between hosts' clocks taken back out. */
export function withoutSkew(columns: TraceColumns): TraceColumns {
  return { ...columns, start: columns.start.map((startMs, index) => startMs - (columns.skew[index] ?? 0)) };
}

export interface PhasePart {
  readonly phase: Phase;
  /** From the span's start. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Had not finished when the call ended. */
  readonly open: boolean;
}

/** One span, for what shows a screenful of them; not for going through all. */
export interface Span {
  readonly index: number;
  readonly spanId: string;
  readonly service: string;
  readonly operation: string;
  readonly kind: string;
  readonly status: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly skewMs: number;
  /** It has not ended, or its end has not been sent. */
  readonly pending: boolean;
  /** And will not: its process ended before it did. */
  readonly processEnded: boolean;
  readonly phases: readonly PhasePart[];
}

export function spanAt(columns: TraceColumns, index: number): Span {
  const { head } = columns;
  const marks = columns.marks[index] ?? 0;
  return {
    index,
    spanId: spanIdAt(columns, index),
    service: serviceAt(columns, index),
    operation: operationAt(columns, index),
    kind: head.kinds[columns.kind[index] ?? 0] ?? '',
    status: head.statuses[columns.status[index] ?? 0] ?? '',
    startMs: columns.start[index] ?? 0,
    durationMs: columns.duration[index] ?? 0,
    skewMs: columns.skew[index] ?? 0,
    pending: (marks & NOT_ENDED) !== 0,
    processEnded: (marks & PROCESS_ENDED) !== 0,
    phases: phasesAt(columns, index),
  };
}

export function serviceAt({ head, service }: TraceColumns, index: number): string {
  return head.services[service[index] ?? 0] ?? '';
}
export function operationAt({ head, operation }: TraceColumns, index: number): string {
  return head.operations[operation[index] ?? 0] ?? '';
}

/** They follow one another from the span's start. */
export function phasesAt({ head, phaseEnd, phase, phaseMs }: TraceColumns, index: number): PhasePart[] {
  const parts: PhasePart[] = [];
  let startMs = 0;
  for (let at = index === 0 ? 0 : (phaseEnd[index - 1] ?? 0); at < (phaseEnd[index] ?? 0); at++) {
    const code = phase[at] ?? 0;
    const durationMs = phaseMs[at] ?? 0;
    const name = head.phases[code & ~UNFINISHED];
    if (name) parts.push({ phase: name, startMs, durationMs, open: (code & UNFINISHED) !== 0 });
    startMs += durationMs;
  }
  return parts;
}

/** Which phases any span has, in their order, and whether one had not finished. */
export function seenPhases({ head, phase }: TraceColumns): { phases: Phase[]; open: boolean } {
  const seen = new Uint8Array(UNFINISHED);
  let open = false;
  for (const code of phase) {
    seen[code & ~UNFINISHED] = 1;
    open ||= (code & UNFINISHED) !== 0;
  }
  return { phases: head.phases.filter((_, number) => seen[number] === 1), open };
}

export function spanIdAt({ spanId }: TraceColumns, index: number): string {
  let text = '';
  for (let at = index * SPAN_ID_BYTES; at < (index + 1) * SPAN_ID_BYTES; at++) {
    text += (spanId[at] ?? 0).toString(16).padStart(2, '0');
  }
  return text;
}

/** Index of the first span with an id; -1 when there is none. */
export function findSpan({ spanId, count }: TraceColumns, id: string): number {
  if (!/^[0-9a-f]{16}$/.test(id)) return -1;
  const wanted = Array.from({ length: SPAN_ID_BYTES }, (_, at) =>
    Number.parseInt(id.slice(2 * at, 2 * at + 2), 16),
  );
  // The last bytes differ most.
  for (let index = 0; index < count; index++) {
    let at = SPAN_ID_BYTES - 1;
    while (at >= 0 && spanId[index * SPAN_ID_BYTES + at] === wanted[at]) at--;
    if (at < 0) return index;
  }
  return -1;
}
