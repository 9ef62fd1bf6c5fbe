/** The sum of what is in no step yet: deltas are decoded once, however often they are asked for. */
import { addCells, decodeStep, type StepCells } from '../../rollup/steps.ts';
import type { Connection } from '../open-database.ts';

/** Gives the cells of all deltas that wait to be absorbed, by series; they are not to be changed. */
export function createWaitingDeltas(database: Connection): () => StepCells {
  const waiting = database.prepare<[], number>('SELECT delta_id FROM rollup_delta ORDER BY delta_id').pluck();
  const read = database.prepare<[number], Buffer>('SELECT data FROM rollup_delta WHERE delta_id = ?').pluck();
  let sum: StepCells = new Map();
  /** Ids are not given twice while a writer runs. */
  let summed: readonly number[] = [];

  return () => {
    const ids = waiting.all();
    // Some were absorbed: what is left of them cannot be told from the sum.
    if (summed.some((id, index) => id !== ids[index])) {
      sum = new Map();
      summed = [];
    }
    for (const id of ids.slice(summed.length)) addCells(sum, decodeStep(read.get(id)!));
    summed = ids;
    return sum;
  };
}
