/**
 * Queries of pg that are objects: `new Query()`, cursors, streams. pg gives back the object, and the instrumentation, which waits for
 * a promise or a callback, would never end their spans. pg tells each of its end.
 */
import type { Span } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { putOver } from '../put-over.ts';
import { fail, noteStarted, type Started } from './started-span.ts';

type Method = (this: object, ...args: unknown[]) => unknown;
interface Submitted extends Record<'handleError' | 'handleReadyForQuery', Method> {
  submit: Method;
}

/** `exports` are those of any file of pg, after its instrumentation. */
export function watchSubmitted(exports: unknown, name: string): void {
  const { Client } = Object(exports) as { Client?: { prototype?: { query?: Method } } };
  const prototype = Client?.prototype;
  if (name !== 'pg' || !prototype?.query) return;
  const { query: original } = prototype;
  const query: Method = function (given) {
    const { submit } = Object(given) as Partial<Submitted>;
    if (typeof submit !== 'function') return Reflect.apply(original, this, arguments);
    const started: Started = {};
    const result = noteStarted(started, () => Reflect.apply(original, this, arguments));
    if (result === given && started.span) watchEnd(given as Submitted, started.span);
    return result;
  };
  Object.defineProperties(query, { name: { value: original.name }, length: { value: original.length } });
  prototype.query = query;
}

/** It may be told of more than one end: of its error, and that the connection can be used again. */
const watchEnd = guard((submitted: Submitted, span: Span) => {
  const ends = {
    handleError: (error: unknown) => fail(span, error),
    handleReadyForQuery: () => span.end(),
  };
  for (const name of ['handleError', 'handleReadyForQuery'] as const) {
    if (typeof submitted[name] !== 'function') continue;
    const below: Readonly<Pick<Submitted, typeof name>> = putOver(
      submitted,
      name,
      function (this: object, ...args: unknown[]): unknown {
        ends[name](args[0]);
        return Reflect.apply(below[name], this, args);
      },
    );
  }
});
