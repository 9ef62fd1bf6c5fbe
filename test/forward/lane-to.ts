/** A lane of spans from a queue in memory to whatever a test answers. For fake timers. */
import { vi } from 'vitest';
import { markOf } from '../../collector/decode/passed-collectors.ts';
import { walkRequest } from '../../collector/decode/walk-request.ts';
import { createLane } from '../../collector/forward/lane.ts';
import type { Outcome } from '../../collector/forward/outcome.ts';
import type { QueueEntry } from '../../collector/store/sqlite/read/forward-queue.ts';
import { makeRequest } from '../store/make-request.ts';

export const TAKEN: Outcome = { is: 'taken', rejected: 0, message: '' };
/** Of the collector whose lane it is. */
export const MARK = markOf(7n);
export const busy = (afterMs: number | null = null): Outcome => ({ is: 'busy', afterMs, message: 'later' });

/** A queue of so many entries of two spans, whose trace's id says which entry they are of. */
export function queueOf(entries: number, bytes = 0) {
  const queue = {
    entries,
    purged: 0,
    /** What entries hold instead; null where it cannot be read. */
    instead: new Map<number, Buffer | null>(),
    purges: () => queue.purged,
    lastId: () => queue.entries,
    next(_signal: string, afterId: number, toId: number): QueueEntry | null {
      if (afterId >= toId) return null;
      const id = afterId + 1;
      const trace = String(id);
      const requests = queue.instead.has(id)
        ? (queue.instead.get(id) ?? null)
        : makeRequest({ trace, attributes: { text: 'x'.repeat(bytes) } }, { trace, id: '2' });
      return { id, items: 2, requests };
    },
    sum: (_signal: string, afterId: number, toId: number) => ({
      items: 2 * (toId - afterId),
      bytes: 100 * (toId - afterId),
    }),
  };
  return queue;
}

export function laneTo(
  answer: (request: Buffer, call: number) => Outcome | Promise<Outcome>,
  queue = queueOf(3),
  queueBytesMax = 1_000_000_000,
) {
  const sent: Buffer[] = [];
  const said: string[] = [];
  const lane = createLane({
    signal: 'traces',
    takenTo: 0,
    queueBytesMax,
    mark: MARK,
    queue,
    events: {
      failed: (message) => void said.push(`failed: ${message}`),
      works: () => {},
      refused: (items, message) => void said.push(`refused ${items}: ${message}`),
      dropped: (items, reason) => void said.push(`dropped ${items}: ${reason}`),
    },
    async send(request) {
      sent.push(request);
      return answer(request, sent.length);
    },
  });
  return { lane, sent, said, queue };
}

export const settle = () => vi.advanceTimersByTimeAsync(0);
export const tracesOf = (request: Buffer) => walkRequest(request).spans.map(({ traceId }) => Number(traceId));
