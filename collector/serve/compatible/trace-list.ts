/** Several traces in one answer: each is read when the one before was sent, so that one is in memory at a time. */
import type { PiecesAnswer } from '../route.ts';
import type { TraceReader } from '../traces/trace-reader.ts';
import type { TraceForm } from '../traces/write-trace.ts';

/** Traces of one answer, whatever limit was asked for. */
export const TRACES_LISTED_MAX = 1_000;

export interface TraceList {
  readonly traceIds: readonly string[];
  readonly form: TraceForm;
  /** What stands before the first and after the last; commas stand between. */
  readonly head: string;
  readonly tail: string | (() => string);
}

/** Those that are not stored are left out. Rejects when the first cannot be read. */
export async function answerTraces(
  traces: Pick<TraceReader, 'write'>,
  list: TraceList,
  signal: AbortSignal,
): Promise<PiecesAnswer> {
  const pieces = writeTraces(traces, list, signal);
  // The head is given when the first trace was read: what fails until then has a status of its own.
  const first = await pieces.next();
  return { type: 'application/json', pieces: rejoin(first, pieces) };
}

async function* writeTraces(
  traces: Pick<TraceReader, 'write'>,
  { traceIds, form, head, tail }: TraceList,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  for (const traceId of traceIds) {
    const written = await traces.write(traceId, form, signal);
    if (written === null) continue;
    yield Buffer.from(count++ === 0 ? head : ',');
    if (written instanceof Uint8Array) yield written;
    else yield* written;
  }
  yield Buffer.from((count === 0 ? head : '') + (typeof tail === 'string' ? tail : tail()));
}

async function* rejoin(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done !== true) yield first.value;
  yield* rest;
}
