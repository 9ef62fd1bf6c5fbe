/**
 * Appends on their way to the writer thread: those of one turn of the event loop go as one message and are answered
 * by one, because a message costs as much as storing a dozen spans.
 */
import type { Signal } from '../../decode/otlp-pieces.ts';
import type { AppendOutcome } from '../store.ts';
import type { Place, RequestRing } from './request-ring.ts';
import { unpackError, type SentError, type Thread } from './thread.ts';

export interface AppendBatch {
  /** The requests, one behind the other: in the ring, or in memory that is handed over. */
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
  /** Of all of them; traces where it is not said. */
  readonly kind?: RequestKind;
}
/** `unforwarded`: traces that are stored and not forwarded. Metrics and logs are forwarded alone. */
export type RequestKind = Signal | 'unforwarded';
/** A number where nothing is to be said but how many spans were stored. */
export type AppendAnswer = number | AppendOutcome | { readonly error: SentError };

interface WaitingAppend {
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: unknown) => void;
}
/** Requests that lie one behind the other. */
interface OpenBatch {
  readonly kind: RequestKind;
  readonly from: number;
  readonly memory: ArrayBufferLike;
  readonly places: (Place | null)[];
  readonly lengths: number[];
  readonly appends: WaitingAppend[];
  end: number;
}

export interface Appender {
  /** Copies the request before it returns. */
  append(request: Uint8Array, kind: RequestKind): Promise<AppendOutcome>;
  /** Sends what waits for the end of the turn, so that what is asked next comes behind it. */
  flush(): void;
}

export function createAppender(writer: Thread, ring: RequestRing): Appender {
  let open: OpenBatch | null = null;

  async function send({ kind, from, end, memory, places, lengths, appends }: OpenBatch): Promise<void> {
    try {
      const batch: AppendBatch = { bytes: new Uint8Array(memory, from, end - from), lengths, kind };
      const transfer = memory instanceof ArrayBuffer ? [memory] : [];
      const answers = await writer.call<AppendAnswer[]>('append', batch, { transfer });
      for (const [index, append] of appends.entries()) settle(append, answers[index]!);
    } catch (error) {
      for (const { reject } of appends) reject(error);
    } finally {
      for (const place of places) place?.giveBack();
    }
  }

  function flush(): void {
    const batch = open;
    open = null;
    if (batch !== null) void send(batch);
  }

  return {
    append: (request, kind) =>
      new Promise((resolve, reject) => {
        const length = request.byteLength;
        const place = ring.take(length);
        // Without room in the ring, a buffer of its own can be handed over.
        const bytes = place?.bytes ?? Buffer.allocUnsafeSlow(length);
        copy(request, bytes);
        if (open?.memory !== bytes.buffer || open.end !== bytes.byteOffset || open.kind !== kind) flush();
        if (open === null) {
          const at = bytes.byteOffset;
          open = { kind, from: at, end: at, memory: bytes.buffer, places: [], lengths: [], appends: [] };
          setImmediate(flush);
        }
        open.end += length;
        open.places.push(place);
        open.lengths.push(length);
        open.appends.push({ resolve, reject });
      }),
    flush,
  };
}

/**
 * V8 copies into shared memory byte by byte where the two are not aligned alike, which takes 2.4 times as long as Node's
 * `fill`, which does not know that it is shared. It is read when the message that tells of it is there.
 */
function copy(request: Uint8Array, to: Uint8Array): void {
  if (request.length > 0) Buffer.from(to.buffer, to.byteOffset, to.byteLength).fill(request);
}

function settle({ resolve, reject }: WaitingAppend, answer: AppendAnswer): void {
  if (typeof answer === 'number') {
    resolve({ stored: answer, duplicate: 0, refused: 0, refusedMessage: '', warning: '' });
  } else if ('error' in answer) reject(unpackError(answer.error));
  else resolve(answer);
}

/** Views into the batch. */
export function requestsOf({ bytes, lengths }: AppendBatch): Buffer[] {
  let at = 0;
  return lengths.map((length) => {
    const request = Buffer.from(bytes.buffer, bytes.byteOffset + at, length);
    at += length;
    return request;
  });
}

export function answerOf(outcome: AppendOutcome): AppendAnswer {
  const { stored, duplicate, refused, warning } = outcome;
  return duplicate === 0 && refused === 0 && warning === '' ? stored : outcome;
}
