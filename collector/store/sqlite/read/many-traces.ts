/**
 * Finds many traces at once, and reads each. Where they lie is looked up block by block; then it is known how many of them share a
 * granule: one with many is decoded whole, and once, of one with few no other rows are.
 */
import { SPAN_ID_BYTES } from '../../columns/codes.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Granule } from '../../columns/granule.ts';
import { withoutCopies } from '../../search/trace-pieces.ts';
import { runOfTrace } from './trace-directory.ts';
import { decodeFacts, type Piece } from './traces.ts';
import type { OnDamage, TraceUnit } from './units.ts';

export interface FoundTrace {
  /** Copies included. */
  readonly rows: number;
  /** Without copies; empty when none can be read. */
  pieces(): Piece[];
}

/** Rows of a trace in a granule. */
interface FoundRun {
  readonly place: Place;
  readonly run: number;
}

/** A granule with rows of these traces. */
interface Place {
  readonly unit: TraceUnit;
  readonly granule: number;
  wantedRows: number;
}

/** Four traces in a granule of 8,000 rows took a sixth less CPU to diagnose by their rows alone than with all of it decoded. */
const WHOLE_SHARE_MIN = 0.03;

/**
 * `traceIds` rise, so that they are found as they lie. What is not there has no rows. `beside`, by the name of a unit, has all rows
 * of some of its traces, which are read there.
 */
export function findTraces(
  units: readonly TraceUnit[],
  traceIds: readonly string[],
  onDamage: OnDamage,
  beside: ReadonlyMap<string, TraceUnit> = new Map(),
): Map<string, FoundTrace> {
  const sought = traceIds.map((traceId): Sought => ({ id: Buffer.from(traceId, 'hex'), runs: [], rows: 0 }));
  for (const unit of units) {
    const kept = beside.get(unit.name);
    const left = kept === undefined ? sought : findIn(kept, sought, onDamage);
    findIn(unit, left, onDamage);
  }
  return new Map(
    sought.map(({ runs, rows }, index) => [
      traceIds[index]!,
      { rows, pieces: () => piecesOf(runs, onDamage) },
    ]),
  );
}

interface Sought {
  readonly id: Buffer;
  readonly runs: FoundRun[];
  rows: number;
}

/** Gives those that are not there. */
function findIn(unit: TraceUnit, sought: readonly Sought[], onDamage: OnDamage): readonly Sought[] {
  const places = new Map<number, Place>();
  return sought.filter((trace) => {
    const found = trace.runs.length;
    readable(unit, onDamage, () => findTrace(unit, places, trace));
    return trace.runs.length === found;
  });
}

/** `places` by the granule's number. */
function findTrace(unit: TraceUnit, places: Map<number, Place>, trace: Sought): void {
  for (const number of unit.directory().granulesOf(trace.id)) {
    const granule = unit.granule(number, 'alone');
    const run = runOfTrace(granule, trace.id);
    if (run === null) continue;
    let place = places.get(number);
    if (place === undefined) places.set(number, (place = { unit, granule: number, wantedRows: 0 }));
    const rows = granule.traces.starts[run + 1]! - granule.traces.starts[run]!;
    place.wantedRows += rows;
    trace.rows += rows;
    trace.runs.push({ place, run });
  }
}

function piecesOf(runs: readonly FoundRun[], onDamage: OnDamage): Piece[] {
  const pieces: Piece[] = [];
  for (const { place, run } of runs) {
    readable(place.unit, onDamage, () => pieces.push(pieceOf(place, run)));
  }
  return pieces.length === 1 && !hasCopies(pieces[0]!) ? pieces : withoutCopies(pieces);
}

function pieceOf({ unit, granule: number, wantedRows }: Place, run: number): Piece {
  const granule = unit.granule(number, 'alone');
  const { starts } = granule.traces;
  const { rows, first, end } =
    wantedRows < WHOLE_SHARE_MIN * granule.rows
      ? granule.ofRun(run)
      : { rows: granule, first: starts[run]!, end: starts[run + 1]! };
  decodeFacts(rows);
  const at = new Uint32Array(end - first);
  for (let index = 0; index < at.length; index++) at[index] = first + index;
  return { rows, at };
}

/** Rows of a piece are in order of start and id: copies stand side by side. */
function hasCopies({ rows, at }: Piece): boolean {
  return at.some((row, index) => index > 0 && isSameSpan(rows, at[index - 1]!, row));
}

function isSameSpan({ startLow, spanId }: Granule, a: number, b: number): boolean {
  if (startLow[a] !== startLow[b]) return false;
  for (let byte = 0; byte < SPAN_ID_BYTES; byte++)
    if (spanId[a * SPAN_ID_BYTES + byte] !== spanId[b * SPAN_ID_BYTES + byte]) return false;
  return true;
}

/** What is damaged is left out, and said. */
function readable({ name }: TraceUnit, onDamage: OnDamage, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    onDamage(`${name}: ${error.message}`);
  }
}
