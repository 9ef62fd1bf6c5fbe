/** The span that an instrumentation starts where the hook calls it: for the ends of a call that the instrumentation is not told of. */
import type { Span } from '@opentelemetry/api';
import { Given } from '../given.ts';
import { guard } from '../guard.ts';
import { failed } from './giving-up.ts';

export interface Started {
  span?: Span;
}

let awaited: Started | undefined;

/** Calls what may start a span: the first is noted, there at once, whatever becomes of the call. */
export function noteStarted<Result>(started: Started, run: () => Result): Result {
  const outer = awaited;
  awaited = started;
  try {
    return run();
  } finally {
    awaited = outer;
  }
}

export function tellStarted(span: Span): void {
  if (!awaited) return;
  awaited.span = span;
  awaited = undefined;
}

/** Ends a call by an error. One that has ended stays as it is. */
export const fail = guard((span: Span | undefined, error: unknown) => {
  if (!span?.isRecording()) return;
  if (error instanceof Error) span.recordException(error);
  const { message } = Object(error) as { message?: unknown };
  span.setStatus({ code: failed, message: String(message ?? '') }).end();
});

/** Keeps the span of what was given to a library on that: a query, a command. */
class Begun extends Given {
  #span: Span;

  constructor(what: object, span: Span) {
    super(what);
    this.#span = span;
  }

  static note(what: object, span: Span): void {
    if (#span in what) what.#span = span;
    else new Begun(what, span);
  }

  static spanOf(what: object): Span | undefined {
    return #span in what ? what.#span : undefined;
  }
}

export const noteSpanOf = Begun.note;
export const startedFor = Begun.spanOf;
