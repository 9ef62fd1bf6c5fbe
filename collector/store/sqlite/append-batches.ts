/**
 * Appends on their way to the writer thread: those of one turn of the event loop go as one message and are answered
 * by one, because a message costs as much as storing a dozen spans.
 */
import type { AppendOutcome } from '../store.ts';
import type { RequestRing } from './request-ring.ts';
import { unpackError, type SentError, type Thread } from './thread.ts';

export interface AppendBatch {
  /** The requests, one behind the other: in the ring, or in memory that is handed over. */
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
}
/** A number where nothing is to be said but how many spans were stored. */
export type AppendAnswer = number | AppendOutcome | { readonly error: SentError };

interface WaitingAppend {
  readonly request: Uint8Array;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface Appender {
  /** The request must stay as it is until the answer. */
  append(request: Uint8Array): Promise<AppendOutcome>;
  /** Sends what waits for the end of the turn, so that what is asked next comes behind it. */
  flush(): void;
}

export function createAppender(writer: Thread, ring: RequestRing): Appender {
  let waiting: WaitingAppend[] = [];

  async function send(appends: readonly WaitingAppend[]): Promise<void> {
    const lengths = appends.map(({ request }) => request.byteLength);
    const length = lengths.reduce((sum, each) => sum + each, 0);
    const place = ring.take(length);
    // A buffer of its own can be handed over; the requests may share theirs with others.
    const bytes = place?.bytes ?? Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const { request } of appends) {
      bytes.set(request, at);
      at += request.byteLength;
    }
    try {
      const batch: AppendBatch = { bytes, lengths };
      const transfer = place === null ? [bytes.buffer as ArrayBuffer] : [];
      const answers = await writer.call<AppendAnswer[]>('append', batch, { transfer });
      for (const [index, append] of appends.entries()) settle(append, answers[index]!);
    } catch (error) {
      for (const { reject } of appends) reject(error);
    } finally {
      place?.giveBack();
    }
  }

  function flush(): void {
    const appends = waiting;
    waiting = [];
    if (appends.length > 0) void send(appends);
  }

  return {
    append: (request) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ request, resolve, reject });
      }),
    flush,
  };
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
