/** The sums of what is in no step yet. Few series of a delta are ever asked for: only theirs is decoded, and that once. */
import { addCell, emptyCell, type Cell } from '../../rollup/cell.ts';
import { StepIndex } from '../../rollup/step-index.ts';
import type { Connection } from '../open-database.ts';
import type { OnDamage } from './units.ts';
import { A_DELTA, wholeStep } from './whole-step.ts';

interface Sum {
  readonly cell: Cell;
  /** How many of the deltas are in it. */
  deltas: number;
}

/** Gives what all deltas that wait to be absorbed hold of a series, which is not to be changed. */
export function createWaitingDeltas(
  database: Connection,
  onDamage: OnDamage,
): () => (series: number) => Cell {
  const waiting = database.prepare<[], number>('SELECT delta_id FROM rollup_delta ORDER BY delta_id').pluck();
  const read = database.prepare<[number], { step_unix_ms: number; data: Buffer }>(
    'SELECT step_unix_ms, data FROM rollup_delta WHERE delta_id = ?',
  );
  const sums = new Map<number, Sum>();
  let deltas: StepIndex[] = [];
  /** Ids are not given twice while a writer runs. */
  let known: readonly number[] = [];

  function sumOf(series: number): Cell {
    let sum = sums.get(series);
    if (sum === undefined) sums.set(series, (sum = { cell: emptyCell(), deltas: 0 }));
    for (; sum.deltas < deltas.length; sum.deltas++) {
      const added = deltas[sum.deltas]!.cell(series);
      if (added !== null) addCell(sum.cell, added);
    }
    return sum.cell;
  }

  return () => {
    const ids = waiting.all();
    // Some were absorbed: what is left of them cannot be told from the sums.
    if (known.some((id, index) => id !== ids[index])) {
      sums.clear();
      deltas = [];
      known = [];
    }
    for (const id of ids.slice(known.length)) {
      const { step_unix_ms, data } = read.get(id)!;
      const delta = wholeStep(A_DELTA, step_unix_ms, onDamage, () => new StepIndex(data));
      if (delta !== null) deltas.push(delta);
    }
    known = ids;
    return sumOf;
  };
}
