/**
 * Which segments there are, but for those set aside. Where a page of their list cannot be read, the ids that may be on it
 * are asked for one by one: what lies around it is served.
 */
import { isCorrupt, type Connection } from './open-database.ts';

/** Ids asked for one by one where nothing tells how many there were. */
const IDS_ASKED = 1_000;

/** `onDamage` is told of ids that may have been lost with their page. */
export function readSegmentIds(
  database: Connection,
  onDamage: (segmentId: number, reason: string) => void,
): () => number[] {
  const readable = 'segment_id NOT IN (SELECT segment_id FROM damage WHERE segment_id IS NOT NULL)';
  const rising = database
    .prepare<[], number>(`SELECT segment_id FROM segment WHERE ${readable} ORDER BY segment_id`)
    .pluck();
  const falling = database
    .prepare<[], number>(`SELECT segment_id FROM segment WHERE ${readable} ORDER BY segment_id DESC`)
    .pluck();
  const one = database
    .prepare<[number], number>(`SELECT segment_id FROM segment WHERE segment_id = ? AND ${readable}`)
    .pluck();

  /** As far as they can be read. */
  const some = (ids: Iterable<number>): number[] => {
    const found: number[] = [];
    try {
      for (const id of ids) found.push(id);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
    }
    return found;
  };

  function aroundDamage(reason: unknown): number[] {
    const before = some(rising.iterate());
    const after = some(falling.iterate()).toReversed();
    // With neither end there is nothing to go by.
    if (before.length === 0 && after.length === 0) throw reason;
    const first = before.at(-1) ?? Math.max(0, after[0]! - IDS_ASKED);
    const end = after[0] ?? first + IDS_ASKED;
    const between: number[] = [];
    for (let id = first + 1; id < end; id++) {
      try {
        const found = one.get(id);
        if (found !== undefined) between.push(found);
      } catch (error) {
        if (!isCorrupt(error)) throw error;
        onDamage(id, (error as Error).message);
      }
    }
    return [...before, ...between, ...after];
  }

  return () => {
    try {
      return rising.all();
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      return aroundDamage(error);
    }
  };
}
