/** Sends export requests over gRPC as fast as they are taken: a fixed number in flight, over one connection or many. */
import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExportRequest } from '../workload/make-requests.ts';

export interface SendOptions {
  /** `HOST:PORT` */
  readonly address: string;
  readonly requests: Iterable<ExportRequest>;
  readonly connections: number;
  readonly inFlight: number;
  /** Told of a request the moment its acknowledgement is there. */
  readonly onAcknowledged?: (request: ExportRequest) => void;
  /** Told of one right before it leaves. */
  readonly onSent?: (request: ExportRequest) => void;
  /** Told when the receiver asks to come back later, before that is done. */
  readonly onRefused?: (error: ServiceError) => void;
  /** Ends the sending: what is in flight is waited for, nothing is sent again, and no failure counts any more. */
  readonly signal?: AbortSignal;
}

export interface SendResult {
  readonly requests: number;
  readonly spans: number;
  readonly bytes: number;
  /** From the first request to the last acknowledgement. */
  readonly elapsedMs: number;
  /** Of each acknowledged request, in ascending order. */
  readonly latenciesMs: Float64Array;
  /** How often the receiver asked to come back later. */
  readonly retries: number;
}

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const RETRY_MS = 100;
/** A receiver that wants none for so long will not recover. */
const PATIENCE_MS = 120_000;
const DEADLINE_MS = 120_000;

/** Rejects when a request fails for another reason than "come back later". */
export async function sendRequests(options: SendOptions): Promise<SendResult> {
  const { address, connections, inFlight, signal, onSent, onAcknowledged, onRefused } = options;
  const clients = Array.from(
    { length: connections },
    () => new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }),
  );
  const isOver = (): boolean => signal?.aborted ?? false;
  const queue = options.requests[Symbol.iterator]();
  const latenciesMs: number[] = [];
  let turn = 0;
  let spans = 0;
  let bytes = 0;
  let retries = 0;

  async function sendNext(): Promise<boolean> {
    if (isOver()) return false;
    const { value: request, done } = queue.next();
    if (done === true) return false;
    onSent?.(request);
    const givenUpMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const client = clients[turn++ % clients.length]!;
      const startMs = performance.now();
      const error = await exportOnce(client, request.bytes);
      if (error === null) {
        latenciesMs.push(performance.now() - startMs);
        onAcknowledged?.(request);
        spans += request.spans;
        bytes += request.bytes.length;
        return true;
      }
      if (isOver()) return false;
      if (error.code !== status.UNAVAILABLE || startMs > givenUpMs) throw error;
      onRefused?.(error);
      retries++;
      await sleep(RETRY_MS);
    }
  }

  try {
    await Promise.all(clients.map(waitForReady));
    const startMs = performance.now();
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        while (await sendNext()) continue;
      }),
    );
    const elapsedMs = performance.now() - startMs;
    const sorted = Float64Array.from(latenciesMs).toSorted();
    return { requests: sorted.length, spans, bytes, elapsedMs, latenciesMs: sorted, retries };
  } finally {
    for (const client of clients) client.close();
  }
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** Resolves with what went wrong; null when it was acknowledged. Throws when some of the spans were refused. */
function exportOnce(client: Client, bytes: Buffer): Promise<ServiceError | null> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      PATH,
      asIs,
      asIs,
      bytes,
      { deadline: Date.now() + DEADLINE_MS },
      (error, answer) => {
        // An empty answer is full success.
        if (error === null && answer !== undefined && answer.length > 0) {
          reject(
            new Error(`got a partial success: ${answer.toString('utf8')}, expected all spans to be taken`),
          );
        } else {
          resolve(error);
        }
      },
    );
  });
}

function waitForReady(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + DEADLINE_MS, (error) => (error ? reject(error) : resolve()));
  });
}
