/**
 * Callbacks and events of pg. Its instrumentation binds callbacks to the span that asked, where there was one, and events never:
 * the others would be in the context in which their connection was opened, or was given back, for whichever request that was.
 *
 * Only the hook's own context is changed: an `AsyncLocalStorage` of the program's is where pg leaves it.
 */
import type { EventEmitter } from 'node:events';
import { activeContext, contextManager, emitWithin, spanOf } from '../context.ts';
import { guard } from '../guard.ts';

type Method = (this: object, ...args: unknown[]) => unknown;

/** `exports` are those of any file of pg, before its instrumentation. */
export function watchQueries(exports: unknown, name: string): void {
  if (name === 'pg/lib/client.js') bindArguments(exports, 'query');
}

/** Those of any file of pg-pool, after its instrumentation, which gets a connection within a span of its own. */
export function watchPool(exports: unknown, name: string): void {
  if (name === 'pg-pool') bindArguments(exports, 'connect');
}

function bindArguments(exports: unknown, method: string): void {
  const { prototype } = Object(exports) as { prototype?: Record<string, Method> };
  const original = prototype?.[method];
  if (!original) return;
  const bound: Method = function () {
    bindToCaller(arguments);
    return Reflect.apply(original, this, arguments);
  };
  Object.defineProperties(bound, { name: { value: original.name }, length: { value: original.length } });
  prototype[method] = bound;
}

const bindToCaller = guard((args: IArguments) => {
  const within = activeContext();
  const [query] = args as unknown as [Partial<EventEmitter & { submit: unknown }> | undefined];
  if (typeof query?.submit === 'function' && typeof query.emit === 'function')
    emitWithin(within, query as EventEmitter);
  const last = args.length - 1;
  const callback = args[last] as unknown;
  if (typeof callback !== 'function' || spanOf(within)) return;
  args[last] = contextManager.bind(within, callback);
});
