/** The sums of what is in no step yet. Few series of a delta are ever asked for: only theirs is decoded, and that once. */
import { addCell, emptyCell, type Cell } from '../../rollup/cell.ts';
import { StepIndex } from '../../rollup/step-index.ts';
import type { Connection } from '../open-database.ts';

interface Sum {
  readonly cell: Cell;
  /** How many of the deltas are in it. */
  deltas: number;
}

/** Gives what all deltas that wait to be absorbed hold of a series, which is not to be changed. */
export function createWaitingDeltas(database: Connection): () => (series: number) => Cell {
  const waiting = database.prepare<[], number>('SELECT delta_id FROM rollup_delta ORDER BY delta_id').pluck();
  const read = database.prepare<[number], Buffer>('SELECT data FROM rollup_delta WHERE delta_id = ?').pluck();
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
    // One that is damaged throws, before any is added.
    const added = ids.slice(known.length).map((id) => new StepIndex(read.get(id)!));
    for (const delta of added) deltas.push(delta);
    known = ids;
    return sumOf;
  };
}
