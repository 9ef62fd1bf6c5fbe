/**
 * The bounded way in: every request, from whatever port, is counted and either stored or refused here.
 *
 *     received = stored + refused + dropped + duplicate + queued      (spans, at every moment)
 *
 * Bytes in flight have a limit; beyond it a request is refused at once, which tells its sender to come back. Nothing
 * that was accepted is ever thrown away, so `dropped` stays 0; it is there because the sum must name it.
 */
import { readHostReports } from '../decode/host-reports.ts';
import { countItems } from '../decode/otlp-pieces.ts';
import { countSpans, walkRequest } from '../decode/walk-request.ts';
import { StoreUnavailable, type AppendOutcome, type Store } from '../store/store.ts';
import {
  createHostCounters,
  type HostHistory,
  type HostIdentity,
  type NewestCounters,
} from './host-counters.ts';

/** A request counts as at least so many bytes in flight, so that many small ones are bounded too. */
const REQUEST_BYTES_MIN = 1024;

export interface Intake {
  /**
   * Takes one `ExportTraceServiceRequest` (protobuf); resolves when its spans are durable. Rejects with DecodeError
   * (never will be accepted) or StoreUnavailable (come back later). The bytes are copied before it returns.
   * `isForwarded`: it goes to other backends, too, where there are any.
   */
  accept(request: Uint8Array, isForwarded?: boolean): Promise<AppendOutcome>;
  /** Counts bytes that arrive before they are a request. Throws StoreUnavailable when there is no room. */
  reserve(bytes: number): void;
  release(bytes: number): void;
  /** Counts a request that was answered with a failure before or instead of being accepted. */
  noteRefused(): void;
  /**
   * Takes one `ExportMetricsServiceRequest` (protobuf): counters of hosts are kept, the rest is counted. Where metrics are
   * forwarded it resolves when that is durable. Rejects as `accept`.
   */
  acceptMetrics(request: Buffer): Promise<void>;
  /** Whether other backends get a signal whole. */
  forwards(signal: 'traces' | 'metrics' | 'logs'): boolean;
  /** What hosts have reported lately, all or those that are wanted. */
  hosts(isWanted?: (host: HostIdentity) => boolean): readonly HostHistory[];
  /** The newest counters of each. */
  newestCounters(): readonly NewestCounters[];
  /** Takes one `ExportLogsServiceRequest`, which is not kept here but to forward it: only then its bytes are asked for. */
  acceptLogs(read: () => Buffer): Promise<void>;
  counters(): SpanCounters;
  /** Bytes in flight, and their limit. */
  queue(): { bytes: number; max: number };
  requests(): RequestCounters;
}

/** Spans since start; `received` is the sum of the others. */
export interface SpanCounters {
  readonly received: number;
  readonly stored: number;
  readonly refused: number;
  readonly dropped: number;
  readonly duplicate: number;
  readonly queued: number;
}

/** Requests, not spans. */
export interface RequestCounters {
  /** Answered with a failure that repeating cannot mend: undecodable, too large, of an unknown type, without the token. */
  readonly refused: number;
  /** Told to come back later. */
  readonly overloaded: number;
  readonly metrics: number;
  readonly logs: number;
  /** Of those of metrics, the ones that held no counters of a host that could be kept. */
  readonly metricsDropped: number;
  /** Of those of logs, the ones that are not forwarded. */
  readonly logsDropped: number;
}

const NOTHING_STORED: AppendOutcome = {
  stored: 0,
  duplicate: 0,
  refused: 0,
  refusedMessage: '',
  warning: '',
};

export function createIntake(options: {
  store: Pick<Store, 'append'>;
  maxQueueBytes: number;
  log: (line: string) => void;
  /** Which signals other backends get, and what keeps them until they have. */
  forwarding?: Pick<Store, 'passOn'> & { readonly signals: ReadonlySet<string> };
}): Intake {
  const { store, maxQueueBytes, log, forwarding } = options;
  const spans = { received: 0, stored: 0, refused: 0, dropped: 0, duplicate: 0, queued: 0 };
  const requests = { refused: 0, overloaded: 0, metrics: 0, logs: 0, metricsDropped: 0, logsDropped: 0 };
  const hosts = createHostCounters();
  let bytesInFlight = 0;
  let isStoreFailing = false;
  let overloadedSince: { readonly requests: number } | null = null;

  /** Said once per run of requests that are sent back. */
  function sendBack(reason: string): void {
    requests.overloaded++;
    if (overloadedSince !== null) return;
    overloadedSince = { requests: requests.overloaded - 1 };
    log(`${reason}; senders are told to retry`);
  }

  function reserve(bytes: number): void {
    if (bytesInFlight + bytes > maxQueueBytes) {
      sendBack(`intake full: ${bytesInFlight} of ${maxQueueBytes} bytes in flight`);
      throw new StoreUnavailable(
        `intake is full: got ${bytes} bytes more, expected at most ${maxQueueBytes - bytesInFlight}; retry later`,
      );
    }
    bytesInFlight += bytes;
  }

  function release(bytes: number): void {
    bytesInFlight -= bytes;
    if (overloadedSince === null || isStoreFailing || bytesInFlight > maxQueueBytes / 2) return;
    log(`spans are taken again: ${requests.overloaded - overloadedSince.requests} requests were sent back`);
    overloadedSince = null;
  }

  /** Counts a request among the bytes in flight until it is durable. */
  async function makeDurable<T>(request: Uint8Array, write: () => Promise<T>): Promise<T> {
    const bytes = Math.max(request.length, REQUEST_BYTES_MIN);
    reserve(bytes);
    try {
      const outcome = await write();
      isStoreFailing = false;
      return outcome;
    } catch (error) {
      if (error instanceof StoreUnavailable) {
        isStoreFailing = true;
        sendBack(error.message);
      }
      throw error;
    } finally {
      release(bytes);
    }
  }

  async function accept(request: Uint8Array, isForwarded = true): Promise<AppendOutcome> {
    const count = countSpans(request);
    if (count === 0) {
      // The store checks what it is given; this it never sees.
      walkRequest(request);
      return NOTHING_STORED;
    }
    spans.received += count;
    spans.queued += count;
    // Counters change together, without an await between, so that their sum holds whenever it is read.
    try {
      const outcome = await makeDurable(request, () => store.append(request, isForwarded));
      spans.stored += outcome.stored;
      spans.duplicate += outcome.duplicate;
      spans.refused += outcome.refused;
      return outcome;
    } catch (error) {
      spans.refused += count;
      throw error;
    } finally {
      spans.queued -= count;
    }
  }

  async function acceptMetrics(request: Buffer): Promise<void> {
    const reports = readHostReports(request);
    requests.metrics++;
    const isKept = reports.map((report) => hosts.keep(report)).includes(true);
    if (request.length === 0) return;
    if (forwarding?.signals.has('metrics')) return passOn(forwarding, 'metrics', request);
    if (isKept) return;
    if (requests.metricsDropped++ === 0)
      log('metrics arrive and are dropped: this collector keeps traces, and counters of hosts');
  }

  async function acceptLogs(read: () => Buffer): Promise<void> {
    requests.logs++;
    if (forwarding?.signals.has('logs')) return passOn(forwarding, 'logs', read());
    if (requests.logsDropped++ === 0) log('logs arrive and are dropped: this collector keeps traces');
  }

  async function passOn(
    to: Pick<Store, 'passOn'>,
    signal: 'metrics' | 'logs',
    request: Buffer,
  ): Promise<void> {
    if (countItems(signal, request) > 0) await makeDurable(request, () => to.passOn(signal, request));
  }

  return {
    accept,
    reserve,
    release,
    noteRefused() {
      requests.refused++;
    },
    acceptMetrics,
    forwards: (signal) => forwarding?.signals.has(signal) ?? false,
    hosts: (isWanted) => hosts.recent(isWanted),
    newestCounters: () => hosts.newest(),
    acceptLogs,
    counters: () => ({ ...spans }),
    queue: () => ({ bytes: bytesInFlight, max: maxQueueBytes }),
    requests: () => ({ ...requests }),
  };
}
