/**
 * The queue of what other backends have still to take, as the writer keeps it: entries come with the commit that is
 * acknowledged, and go when every backend is past them.
 */
import { SIGNALS, type Signal } from '../../../decode/otlp-pieces.ts';
import { isCircle, markOf, splitPassed } from '../../../decode/passed-collectors.ts';
import { sealPart } from '../../columns/part.ts';
import {
  COLLECTOR_ID,
  LAST_ENTRY,
  PURGES,
  QUEUE_BYTES,
  QUEUE_PART,
  type ForwardLane,
  type ForwardPosition,
  type QueueGauge,
} from '../forwarding.ts';
import type { Connection } from '../open-database.ts';
import type { Steps } from './jobs.ts';

/** An entry takes no further request beyond it: what is sent again after a crash, and read at once, is little. */
const ENTRY_BYTES_MAX = 1_000_000;
/** Deleted at once, as long as a commit may wait. */
const CLEARED_ENTRIES_MAX = 500;
const CLEARED_BYTES_MAX = 4_000_000;

const NO_BYTES = Buffer.alloc(0);

export interface ForwardQueueOptions {
  /** Empty where nothing is forwarded. */
  readonly lanes: readonly ForwardLane[];
  readonly gauge: QueueGauge;
}

export interface ForwardQueue {
  wants(signal: Signal): boolean;
  /** What the next `write` writes. The bytes are copied there. What has been forwarded from here before is left out. */
  add(signal: Signal, request: Buffer, items: number): void;
  /** To be called within the transaction of the commit. */
  write(nowUnixMs: number): void;
  /** The commit is durable, or undone. */
  settle(isCommitted: boolean): void;
  /** Of the data. */
  bytes(): number;
  /** Whether there is more to clear than was. */
  advance(positions: readonly ForwardPosition[]): boolean;
  clear(): Steps<void>;
  /** All entries were deleted. */
  forget(): void;
}

interface Cleared {
  readonly bytes: number;
  /** There is more to clear. */
  readonly isMore: boolean;
}
interface OpenEntry {
  readonly signal: Signal;
  /** Marks of the collectors that forwarded its requests. */
  readonly passed: Buffer;
  readonly requests: Uint8Array[];
  rawBytes: number;
  items: number;
}

export function createForwardQueue(
  database: Connection,
  { lanes, gauge }: ForwardQueueOptions,
): ForwardQueue {
  const insert = database.prepare('INSERT INTO forward_queue VALUES (?, ?, ?, ?, ?, ?, ?)');
  const move = database.prepare(
    'UPDATE forward_position SET taken_to_entry_id = ? WHERE destination = ? AND signal = ?',
  );
  const oldest = database.prepare<[Signal, number, number], { entry_id: number; byte_count: number }>(
    `SELECT entry_id, byte_count FROM forward_queue WHERE signal = ? AND entry_id <= ? ORDER BY entry_id LIMIT ?`,
  );
  const remove = database.prepare<[Signal, number]>(
    'DELETE FROM forward_queue WHERE signal = ? AND entry_id <= ?',
  );
  const sum = database.prepare<[], number>('SELECT total(byte_count) FROM forward_queue').pluck();
  const positions = readPositions(database, lanes);
  const mark = markOf(gauge[COLLECTOR_ID]!);
  const committed = { lastId: positions.lastId, bytes: sum.get()! };
  let { lastId, bytes } = committed;
  let open: OpenEntry[] = [];

  function publish(): void {
    Atomics.store(gauge, LAST_ENTRY, BigInt(committed.lastId));
    Atomics.store(gauge, QUEUE_BYTES, BigInt(committed.bytes));
  }

  /** Up to which nobody needs its entries. */
  function takenTo(signal: Signal): number {
    return Math.min(
      committed.lastId,
      ...positions.of.filter((lane) => lane.signal === signal).map((lane) => lane.takenTo),
    );
  }

  function clearSome(): Cleared {
    let isMore = false;
    let cleared = 0;
    for (const signal of SIGNALS) {
      const entries = oldest.all(signal, takenTo(signal), CLEARED_ENTRIES_MAX);
      let count = 0;
      let size = 0;
      while (count < entries.length && size < CLEARED_BYTES_MAX) size += entries[count++]!.byte_count;
      if (count > 0) remove.run(signal, entries[count - 1]!.entry_id);
      isMore ||= count < entries.length || entries.length === CLEARED_ENTRIES_MAX;
      cleared += size;
    }
    return { bytes: cleared, isMore };
  }

  const clearAtOnce = database.transaction(clearSome);
  const advance = database.transaction((reached: readonly ForwardPosition[]) => {
    for (const { destination, signal, takenTo } of reached) move.run(takenTo, destination, signal);
    return clearSome();
  });

  /** Behind the commit: one that fails has cleared nothing. Whether there are more. */
  function subtract(cleared: Cleared): boolean {
    bytes -= cleared.bytes;
    settle(true);
    return cleared.isMore;
  }

  function settle(isCommitted: boolean): void {
    open = [];
    if (isCommitted) Object.assign(committed, { lastId, bytes });
    else ({ lastId, bytes } = committed);
    publish();
  }

  publish();
  return {
    wants: (signal) => positions.of.some((lane) => lane.signal === signal),
    add(signal, request, items) {
      const { passed, rest } = splitPassed(request);
      if (isCircle(passed, mark)) return;
      let entry = open.findLast((each) => each.signal === signal && each.passed.equals(passed));
      if (entry === undefined || entry.rawBytes + rest.length > ENTRY_BYTES_MAX) {
        const requests = passed.length > 0 ? [passed] : [];
        entry = { signal, passed, requests, rawBytes: passed.length, items: 0 };
        open.push(entry);
      }
      entry.requests.push(rest);
      entry.rawBytes += rest.length;
      entry.items += items;
    },
    write(nowUnixMs) {
      for (const { signal, requests, rawBytes, items } of open) {
        const together = requests.length === 1 ? requests[0]! : Buffer.concat(requests, rawBytes);
        const data = sealPart(QUEUE_PART, NO_BYTES, together);
        insert.run(++lastId, signal, nowUnixMs, items, data.length, rawBytes, data);
        bytes += data.length;
      }
    },
    settle,
    bytes: () => committed.bytes,
    advance(reached) {
      for (const position of reached) {
        const lane = positions.of.find(isSame(position));
        if (lane !== undefined) lane.takenTo = position.takenTo;
      }
      return subtract(advance.immediate(reached));
    },
    *clear() {
      for (let isMore = true; isMore;) {
        isMore = subtract(clearAtOnce.immediate());
        yield 0.5;
      }
    },
    forget() {
      bytes = 0;
      Atomics.add(gauge, PURGES, 1n);
      settle(true);
    },
  };
}

/** Positions of backends that are gone are forgotten; those that are new begin with what comes from now on. */
function readPositions(
  database: Connection,
  lanes: readonly ForwardLane[],
): { readonly lastId: number; readonly of: (ForwardLane & { takenTo: number })[] } {
  const known = database
    .prepare<[], { destination: string; signal: Signal; takenTo: number }>(
      'SELECT destination, signal, taken_to_entry_id AS takenTo FROM forward_position',
    )
    .all();
  const lastEntry = database
    .prepare<[], number | null>('SELECT max(entry_id) FROM forward_queue')
    .pluck()
    .get();
  const lastId = Math.max(lastEntry ?? 0, ...known.map(({ takenTo }) => takenTo));
  const of = lanes.map((lane) => ({ ...lane, takenTo: known.find(isSame(lane))?.takenTo ?? lastId }));
  if (known.length === of.length && of.every((lane) => known.some(isSame(lane)))) return { lastId, of };
  const replace = database.prepare('INSERT INTO forward_position VALUES (?, ?, ?)');
  database
    .transaction(() => {
      database.exec('DELETE FROM forward_position');
      for (const { destination, signal, takenTo } of of) replace.run(destination, signal, takenTo);
    })
    .immediate();
  return { lastId, of };
}

function isSame(a: ForwardLane): (b: ForwardLane) => boolean {
  return (b) => a.destination === b.destination && a.signal === b.signal;
}
