/**
 * Spans between their end and their delivery: encoded at once, gathered into batches, sent a few batches at a time.
 *
 *     ended span ─▶ open batch ─(full, or due)─▶ ready ─▶ on its way ─▶ delivered, or lost and counted
 *
 * Everything is bounded. What finds no place is dropped, and the next batch says how many were.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers';
import { runIn, rootContext, suppressed } from '../context.ts';
import { ByteWriter } from '../record/byte-writer.ts';
import { followWallClock } from '../record/clock.ts';
import { writeSpan } from '../record/encode-span.ts';
import type { SpanData } from '../record/span-data.ts';
import { assembleRequest, encodeSchemaUrl, encodeScope, type Scope } from './export-request.ts';

/** Batches on their way at the same time. */
const IN_FLIGHT_MAX = 4;
/** A batch that is larger than this leaves although it has room for more spans: receivers refuse more than 4 MiB. */
const BATCH_BYTES_MAX = 1 << 20;

/** A batch without a set delay leaves this soon when none has left for `quietMs`: nobody should wait for a single call. */
const soonMs = 20;
const quietMs = 500;
const usualDelayMs = 1000;

/** The attribute of the hook's scope that says how many spans were lost before. */
export const droppedAttribute = 'sockeye.spans_dropped';

export interface SpanQueueOptions {
  /** Encoded; asked for at the first batch. */
  resource: () => Uint8Array;
  /** The hook's own scope. */
  scope: Scope;
  /** Undefined: soon when it is quiet, else after a second. */
  delayMs: number | undefined;
  spansMax: number;
  batchSpansMax: number;
  /** Sends a request; resolves with the number of spans that were not taken. `left`: it is in the kernel. */
  deliver(request: Buffer, spanCount: number, left: () => void): Promise<number>;
  /** A span found no place. */
  overflowed(): void;
}

interface Batch {
  /** What the request is written in, to be used again when it has left. */
  writer: ByteWriter;
  request: Buffer;
  spanCount: number;
  /** Whether all of it is in the kernel: then only the answer is missing. */
  hasLeft: boolean;
  /** Lost spans that it tells of. */
  reportedCount: number;
}

interface OpenScope {
  scope: Uint8Array;
  schemaUrl: Uint8Array;
  writer: ByteWriter;
}

export class SpanQueue {
  readonly #options: SpanQueueOptions;
  readonly #scopes = new Map<Scope, OpenScope>();
  #resource: Uint8Array | undefined;
  #spareWriters: ByteWriter[] = [];
  #openCount = 0;
  #openBytes = 0;
  #readyCount = 0;
  #ready: Batch[] = [];
  readonly #inFlight = new Map<Batch, Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #lastSentMs = -Infinity;
  #lostCount = 0;
  /** Told when there is something to send, and when there is nothing any more. */
  onPending: (isPending: boolean) => void = () => {};

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#openCount === 0 && this.#ready.length === 0 && this.#inFlight.size === 0;
  }

  /** How many spans more find a place. */
  get room(): number {
    return this.#options.spansMax - this.#openCount - this.#readyCount;
  }

  add(scope: Scope, span: SpanData): void {
    const { batchSpansMax, overflowed } = this.#options;
    if (this.room <= 0) {
      this.#lostCount += 1;
      overflowed();
      return;
    }
    const { writer } = this.#scopes.get(scope) ?? this.#openScope(scope);
    const start = writer.at;
    try {
      writeSpan(writer, span);
    } catch (error) {
      writer.at = start;
      this.#lostCount += 1;
      throw error;
    }
    this.#openCount += 1;
    this.#openBytes += writer.at - start;
    if (this.#openCount >= batchSpansMax || this.#openBytes >= BATCH_BYTES_MAX) this.#send();
    else if (this.#openCount === 1) this.#schedule();
  }

  #openScope(scope: Scope): OpenScope {
    const opened = {
      scope: encodeScope(scope),
      schemaUrl: encodeSchemaUrl(scope.schemaUrl),
      writer: new ByteWriter(),
    };
    this.#scopes.set(scope, opened);
    return opened;
  }

  #schedule(): void {
    const isQuiet = performance.now() - this.#lastSentMs > quietMs;
    const delayMs = this.#options.delayMs ?? (isQuiet ? soonMs : usualDelayMs);
    // Neither the timer nor what it sends belongs to the request that was first in the batch.
    this.#timer = runIn(suppressed(rootContext), () => setTimeout(() => this.#send(), delayMs).unref());
    this.onPending(true);
  }

  /** Closes the open batch and sends what is ready. */
  #send(): void {
    clearTimeout(this.#timer);
    this.#seal();
    this.#pump();
  }

  #seal(): void {
    if (this.#openCount === 0) return;
    followWallClock();
    const parts = [];
    for (const { scope, schemaUrl, writer } of this.#scopes.values()) {
      if (writer.at > 0) parts.push({ scope, schemaUrl, spans: writer.written() });
    }
    const reportedCount = this.#lostCount;
    if (reportedCount > 0) {
      const scope = encodeScope(this.#options.scope, { [droppedAttribute]: reportedCount });
      parts.push({ scope, schemaUrl: new Uint8Array(), spans: new Uint8Array() });
    }
    this.#resource ??= this.#options.resource();
    const writer = this.#spareWriters.pop() ?? new ByteWriter();
    const request = assembleRequest(writer, this.#resource, parts);
    this.#ready.push({ writer, request, spanCount: this.#openCount, hasLeft: false, reportedCount });
    this.#readyCount += this.#openCount;
    this.#lostCount = 0;
    this.#openCount = 0;
    this.#openBytes = 0;
    for (const opened of this.#scopes.values()) {
      if (isWorthKeeping(opened.writer)) opened.writer.at = 0;
      else opened.writer = new ByteWriter();
    }
  }

  #pump(): void {
    while (this.#inFlight.size < IN_FLIGHT_MAX) {
      const batch = this.#ready.shift();
      if (!batch) return;
      this.#readyCount -= batch.spanCount;
      this.#lastSentMs = performance.now();
      this.#inFlight.set(
        batch,
        runIn(suppressed(rootContext), () => this.#deliver(batch)),
      );
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    const { writer, request, spanCount, reportedCount } = batch;
    const left = () => (batch.hasLeft = true);
    const lostCount = await this.#options.deliver(request, spanCount, left);
    // Of one that was lost, nobody knows who still holds its bytes.
    if (lostCount === 0 && isWorthKeeping(writer) && this.#spareWriters.length < IN_FLIGHT_MAX)
      this.#spareWriters.push(writer);
    this.#lostCount += lostCount + (lostCount === spanCount ? reportedCount : 0);
    this.#inFlight.delete(batch);
    this.#pump();
    if (this.isEmpty) this.onPending(false);
  }

  /** Sends everything; settles when all of it was delivered or lost. */
  async flush(): Promise<void> {
    this.#send();
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight.values());
  }

  /** What has not left yet, for somebody else to send: it is not sent from here any more, as the program ends. */
  takeAll(): { requests: Buffer[]; spanCount: number } {
    this.#seal();
    // What has left is delivered by the kernel; sent twice, some receivers would show it twice.
    const batches = [...this.#inFlight.keys(), ...this.#ready].filter(({ hasLeft }) => !hasLeft);
    this.#ready = [];
    this.#readyCount = 0;
    return {
      requests: batches.map(({ request }) => request),
      spanCount: batches.reduce((sum, { spanCount }) => sum + spanCount, 0),
    };
  }
}

/** One large span must not keep its memory. */
function isWorthKeeping({ bytes }: ByteWriter): boolean {
  return bytes.length <= 2 * BATCH_BYTES_MAX;
}
