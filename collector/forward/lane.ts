/**
 * One signal on its way to one backend: reads the queue in order, sends a few batches at once, and knows how far it is.
 *
 *     queue ─▶ batch (some entries) ─▶ pieces ─▶ taken ─────────────▶ settled
 *                                       ▲  │ ├── refused: in halves ─▶ what is left is counted
 *                                       └──┘ busy: again, later
 *
 * A backend may never answer one span in time, or be away: that it takes others meanwhile tells. Only then a span is given up.
 *
 * An entry is past when all pieces of its batch are settled. What a crash interrupts is sent again.
 */
import { DecodeError } from '../decode/decode-error.ts';
import { countItems, splitBySize, type Signal } from '../decode/otlp-pieces.ts';
import { splitPassed } from '../decode/passed-collectors.ts';
import type { ForwardQueueReader } from '../store/sqlite/read/forward-queue.ts';
import type { Outcome } from './outcome.ts';
import { createPace } from './pace.ts';
import { createPieces, type Batch, type Piece } from './pieces.ts';

/** Half of what receivers take by default over gRPC. */
const BATCH_BYTES_MAX = 2_000_000;
/** A batch goes whole when the queue is full: no more of a small queue than that. */
const BATCH_SHARE_MAX = 1 / 8;
const BATCH_BYTES_MIN = 64_000;
/** A batch that is taken lets the next be larger by that: a limit that the backend still has is met once in dozens. */
const BATCH_GROWTH = 65 / 64;
/** By which the entries of a batch came: each leaves in pieces of its own. */
const WAYS_MAX = 1_000;
const FAILED_TRIES_MAX = 5;
/** Until somebody has mended a token or a path. */
const SHUT_OUT_MS = 60_000;
/** What backends ask for beyond it is not waited for. */
const RETRY_AFTER_MS_MAX = 600_000;

export interface LaneCounters {
  /** Items since the start: spans, data points or log records. */
  readonly sent: number;
  readonly refused: number;
  readonly dropped: number;
  /** In the queue now. */
  readonly queued: number;
  readonly queuedBytes: number;
}

/** Who is told of trouble. */
export interface LaneEvents {
  failed(message: string): void;
  works(): void;
  refused(items: number, message: string): void;
  dropped(items: number, reason: 'full' | 'damaged'): void;
}

export interface Lane {
  readonly signal: Signal;
  /** There may be more in the queue. */
  learn(): void;
  /** The queue is too long: gives up what waits up to this entry, and what shares a batch with it. */
  dropTo(entryId: number): void;
  /** This entry and those before are past. */
  takenTo(): number;
  counters(): LaneCounters;
  /** Begins nothing more; resolves when nothing is on its way. */
  stop(): Promise<void>;
}

export interface LaneOptions {
  readonly signal: Signal;
  readonly takenTo: number;
  readonly queueBytesMax: number;
  /** What says in each request that it came by this collector. */
  readonly mark: Buffer;
  readonly queue: Pick<ForwardQueueReader, 'lastId' | 'next' | 'purges' | 'sum'>;
  readonly events: LaneEvents;
  send(request: Buffer): Promise<Outcome>;
}

export function createLane(options: LaneOptions): Lane {
  const { signal, takenTo, queueBytesMax, mark, queue, events, send } = options;
  const batchBytesMax = Math.min(BATCH_BYTES_MAX, queueBytesMax * BATCH_SHARE_MAX);
  const batchBytesMin = Math.min(BATCH_BYTES_MIN, batchBytesMax);
  const counted = { sent: 0, refused: 0, dropped: 0 };
  let purges = queue.purges();
  let knownTo = queue.lastId();
  let queued = queue.sum(signal, takenTo, knownTo).items;
  /** Up to here entries were read. */
  let readTo = takenTo;
  let droppedTo = 0;
  let batchBytes = batchBytesMax;
  const pieces = createPieces(signal);
  let inFlight = 0;
  const pace = createPace(pump);
  let whenIdle: (() => void) | null = null;
  let isStopped = false;

  function count(outcome: keyof typeof counted, items: number): void {
    counted[outcome] += items;
    queued -= items;
  }

  function lose(items: number, reason: 'full' | 'damaged'): void {
    if (items === 0) return;
    count('dropped', items);
    events.dropped(items, reason);
  }

  /** The next entries as pieces, one or more for each way they came; whether there were entries. */
  function readBatch(): boolean {
    const byWay = new Map<string, Buffer[]>();
    let toId = readTo;
    let bytes = 0;
    let damagedItems = 0;
    while (bytes < batchBytes / 2 && byWay.size < WAYS_MAX) {
      const entry = queue.next(signal, toId, knownTo);
      if (entry === null) break;
      if (entry.requests === null || !isRequest(entry.requests)) damagedItems += entry.items;
      else {
        const { passed, rest } = splitPassed(entry.requests);
        const way = passed.toString('latin1');
        const requests = byWay.get(way);
        if (requests === undefined) byWay.set(way, [mark, passed, rest]);
        else requests.push(rest);
        bytes += rest.length;
      }
      toId = entry.id;
    }
    if (toId === readTo) return false;
    const batch: Batch = { afterId: readTo, toId, openPieces: 0, splits: 0, lateSplits: 0 };
    readTo = toId;
    lose(damagedItems, 'damaged');
    pieces.add(
      batch,
      [...byWay.values()].flatMap((requests) => splitBySize(Buffer.concat(requests), batchBytes)),
    );
    return true;
  }

  /** What is no request would take its neighbours with it. */
  function isRequest(bytes: Buffer): boolean {
    try {
      countItems(signal, bytes);
      return true;
    } catch (error) {
      if (error instanceof DecodeError) return false;
      throw error;
    }
  }

  /** Undefined when there is nothing to send. */
  function nextPiece(): Piece | undefined {
    let piece = pieces.next();
    while (piece === undefined && readBatch()) piece = pieces.next();
    return piece ?? pieces.heldBack();
  }

  function pump(): void {
    if (isStopped) return;
    try {
      while (pace.allows(inFlight)) {
        const piece = nextPiece();
        if (piece === undefined) {
          // What the store was purged of meanwhile is not there any more.
          if (pieces.afterId() === Infinity) queued = 0;
          return;
        }
        void deliver(firstPart(piece));
      }
    } catch (error) {
      events.failed(`the queue cannot be read: ${(error as Error).message}`);
      pace.pause();
    }
  }

  /** Of what was read when batches were larger. */
  function firstPart(piece: Piece): Piece {
    const parts = splitBySize(piece.bytes, batchBytes);
    if (parts.length < 2) return piece;
    pieces.replace(piece, parts);
    return pieces.next()!;
  }

  async function deliver(piece: Piece): Promise<void> {
    inFlight++;
    piece.failuresBefore = pace.failures();
    const outcome = await send(piece.bytes);
    inFlight--;
    settle(piece, outcome);
    if (inFlight === 0) whenIdle?.();
    pump();
  }

  function settle(piece: Piece, outcome: Outcome): void {
    const { message } = outcome;
    switch (outcome.is) {
      case 'taken': {
        works(piece);
        pieces.noteTaken();
        if (piece.bytes.length >= batchBytes / 2)
          batchBytes = Math.min(batchBytesMax, batchBytes * BATCH_GROWTH);
        const rejected = Math.min(outcome.rejected, piece.items);
        count('sent', piece.items - rejected);
        if (rejected > 0) refuse(rejected, message);
        return pieces.close(piece);
      }
      case 'busy':
        return putOff(piece, message, Math.min(outcome.afterMs ?? 0, RETRY_AFTER_MS_MAX));
      case 'late':
        batchBytes = Math.max(batchBytesMin, batchBytes / 2);
        return beLate(piece, message);
      case 'shut out':
        return putOff(piece, message, SHUT_OUT_MS);
      case 'unknown there':
        // A backend of traces need not have a place for the others.
        if (signal === 'traces') return putOff(piece, message, SHUT_OUT_MS);
        return giveUp(piece, message);
      case 'failed':
        if (++piece.tries < FAILED_TRIES_MAX) return putOff(piece, message, 0);
        return giveUp(piece, message);
      case 'too large':
        batchBytes = Math.max(batchBytesMin, batchBytes / 2);
        return divide(piece, message);
      case 'refused':
        return divide(piece, message);
    }
  }

  function divide(piece: Piece, message: string): void {
    if (pieces.divide(piece)) works(piece);
    else giveUp(piece, message);
  }

  /** Nobody knows whether it is itself what takes so long: others are sent before it is again. */
  function beLate(piece: Piece, message: string): void {
    if (isDropped(piece) || splitBySize(piece.bytes, batchBytes).length > 1) return putOff(piece, message, 0);
    if (pieces.divideLate(piece)) return fail(message, 0);
    if (pieces.isLateAlone(piece) && ++piece.tries >= FAILED_TRIES_MAX) {
      refuse(piece.items, `${message}, ${piece.tries} times, and others were taken meanwhile`);
      return pieces.close(piece);
    }
    pieces.putAside(piece);
    fail(message, 0);
  }

  function giveUp(piece: Piece, message: string): void {
    works(piece);
    refuse(piece.items, message);
    pieces.close(piece);
  }

  function refuse(items: number, message: string): void {
    count('refused', items);
    events.refused(items, message);
  }

  /** The backend answers, if not as one would like. What was on its way when something failed says nothing of now. */
  function works({ failuresBefore }: Piece): void {
    if (pace.works(failuresBefore)) events.works();
  }

  /** The entries of a batch go together: as long as one of them is held, the file keeps them all. */
  function isDropped({ batch }: Piece): boolean {
    return batch.afterId < droppedTo;
  }

  function putOff(piece: Piece, message: string, atLeastMs: number): void {
    if (isDropped(piece)) {
      lose(piece.items, 'full');
      pieces.close(piece);
    } else pieces.putBack(piece);
    fail(message, atLeastMs);
  }

  function fail(message: string, atLeastMs: number): void {
    if (isStopped) return;
    events.failed(message);
    pace.failed(atLeastMs);
  }

  /** What is on its way then is sent. */
  function forgetPurged(): void {
    purges = queue.purges();
    for (const { items } of pieces.removeWaiting(() => true)) queued -= items;
  }

  return {
    signal,
    learn() {
      if (queue.purges() !== purges) forgetPurged();
      const lastId = queue.lastId();
      if (lastId > knownTo) {
        queued += queue.sum(signal, knownTo, lastId).items;
        knownTo = lastId;
      }
      pump();
    },
    dropTo(entryId) {
      droppedTo = entryId;
      for (const { items } of pieces.removeWaiting(isDropped)) lose(items, 'full');
      if (entryId <= readTo) return;
      lose(queue.sum(signal, readTo, entryId).items, 'full');
      readTo = entryId;
    },
    takenTo: () => Math.min(readTo, pieces.afterId()),
    counters: () => ({
      ...counted,
      queued,
      queuedBytes: queue.sum(signal, readTo, knownTo).bytes,
    }),
    stop() {
      isStopped = true;
      pace.stop();
      return new Promise((resolve) => {
        whenIdle = resolve;
        if (inFlight === 0) resolve();
      });
    },
  };
}
