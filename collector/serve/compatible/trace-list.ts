/** Several traces in one answer: each is read when the one before was sent, so that one is in memory at a time. */
import type { PiecesAnswer } from '../route.ts';
import type { TraceReader } from '../traces/trace-reader.ts';
import type { TraceForm } from '../traces/write-trace.ts';

/** Traces of one answer, whatever limit was asked for. */
export const TRACES_LISTED_MAX = 1_000;

export interface TraceList {
  readonly traceIds: readonly string[];
  readonly form: TraceForm;
  /** What stands before the first; commas stand between. */
  readonly head: string;
  /** What stands after the last, when it is known which of them are not stored. */
  tail(missing: readonly string[]): string;
}

/** Those that are not stored are left out; null when none is. Rejects when the first cannot be read. */
export async function answerTraces(
  traces: Pick<TraceReader, 'write'>,
  list: TraceList,
  signal: AbortSignal,
): Promise<PiecesAnswer | null> {
  const pieces = writeTraces(traces, list, signal);
  // What fails before the first trace was read has a status of its own.
  const first = await pieces.next();
  return first.done === true
    ? null
    : { type: 'application/json', pieces: rejoin(first.value, pieces, signal) };
}

async function* writeTraces(
  traces: Pick<TraceReader, 'write'>,
  { traceIds, form, head, tail }: TraceList,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const missing: string[] = [];
  let before = head;
  for (const traceId of traceIds) {
    const written = await traces.write(traceId, form, signal);
    if (written === null) {
      missing.push(traceId);
      continue;
    }
    yield Buffer.from(before);
    before = ',';
    if (written instanceof Uint8Array) yield written;
    else yield* written;
  }
  if (missing.length < traceIds.length) yield Buffer.from(tail(missing));
}

async function* rejoin(
  first: Uint8Array,
  rest: AsyncGenerator<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield first;
  try {
    yield* rest;
  } catch (error) {
    // Nobody is there to be told, and that the client left is no fault.
    if (!signal.aborted) throw error;
  }
}
