/**
 * Which traces are due for diagnosis. Blocks alone say when spans of a trace came last, and its newest may be in none yet: the
 * server's, that come after the caller gave up. Such a trace is not quiet, and would be judged without them.
 */
import type { Store } from '../store.ts';

type Read = Store['readUndiagnosed'];

interface Parts {
  /** By what is in blocks. */
  readonly read: Read;
  readonly isAnyUnfolded: () => boolean;
  /** Those of these traces that have spans in no block, and cannot have them there at once. */
  readonly unfoldedOf: (traceIds: readonly string[]) => Promise<string[]>;
}

export function createUndiagnosedReader({ read, isAnyUnfolded, unfoldedOf }: Parts): Read {
  return async (patience, limit) => {
    if (!isAnyUnfolded()) return read(patience, limit);
    // More than are wanted, because some are left out.
    const room = 2 * limit;
    const before = await read(patience, room);
    if (before.traceIds.length === 0) return before;
    const growing = new Set(await unfoldedOf(before.traceIds));
    // Those that are due by how long they have waited are diagnosed however they grow.
    if (growing.size > 0) {
      const waited = await read({ ...patience, quietMs: Infinity }, room);
      for (const traceId of waited.traceIds) growing.delete(traceId);
    }
    // Again, because what was folded meanwhile is quiet no more.
    const asked = new Set(before.traceIds);
    const { traceIds, backlog } = await read(patience, room);
    const due = traceIds.filter((traceId) => asked.has(traceId) && !growing.has(traceId));
    return { traceIds: due.slice(0, limit), backlog };
  };
}
