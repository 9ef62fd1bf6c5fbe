/** The rows of one trace, as pairing reads them: columns that are filled anew for every trace, so none is made twice. */

export interface RowGiveUp {
  /** Index in TIMEOUT_PHASES; counted when the row's outcome is a time-out. */
  readonly phaseIndex: number;
  readonly budgetMs: number | null;
}

/** Codes of a row's kind and outcome, and bits of its flags, are those of the span table. */
export interface TraceRows {
  count: number;
  spanIdHigh: Uint32Array;
  spanIdLow: Uint32Array;
  /** Both zero: no parent. */
  parentIdHigh: Uint32Array;
  parentIdLow: Uint32Array;
  resource: Uint32Array;
  operation: Uint32Array;
  /** 0 where the row calls nobody. */
  peer: Uint32Array;
  kind: Uint8Array;
  outcome: Uint8Array;
  flags: Uint8Array;
  startMs: Float64Array;
  durationMs: Float64Array;
  /** Of the few rows that gave up. */
  readonly giveUps: Map<number, RowGiveUp>;
}

export function createTraceRows(capacity = 256): TraceRows {
  return { ...columns(capacity), count: 0, giveUps: new Map() };
}

/** Empties the rows and makes room for `capacity` of them. */
export function resetTraceRows(rows: TraceRows, capacity: number): void {
  if (rows.kind.length < capacity) Object.assign(rows, columns(Math.max(capacity, rows.kind.length * 2)));
  rows.count = 0;
  rows.giveUps.clear();
}

function columns(capacity: number) {
  return {
    spanIdHigh: new Uint32Array(capacity),
    spanIdLow: new Uint32Array(capacity),
    parentIdHigh: new Uint32Array(capacity),
    parentIdLow: new Uint32Array(capacity),
    resource: new Uint32Array(capacity),
    operation: new Uint32Array(capacity),
    peer: new Uint32Array(capacity),
    kind: new Uint8Array(capacity),
    outcome: new Uint8Array(capacity),
    flags: new Uint8Array(capacity),
    startMs: new Float64Array(capacity),
    durationMs: new Float64Array(capacity),
  };
}
