/**
 * Tells of the events of HTTP messages without listening: a listener would be counted, warned of, and called among the
 * program's own. `emit` of the three classes of `node:http` is replaced, once; a message that nobody watches passes through.
 */
import type { EventEmitter } from 'node:events';
import type { Context } from '@opentelemetry/api';
import { activeContext, runIn } from './context.ts';
import { reportFault } from './guard.ts';
import { Given } from './given.ts';

export interface Watcher {
  /** The context that the program's listeners run in; undefined: whichever it is. */
  within: Context | undefined;
  /** An event is about to reach the program's listeners, with its first argument. */
  emitted(event: string | symbol, emitter: object, argument: unknown): void;
}

class Watched extends Given {
  #watcher: Watcher;

  constructor(message: object, watcher: Watcher) {
    super(message);
    this.#watcher = watcher;
  }

  static by(message: object): Watcher | undefined {
    return #watcher in message ? message.#watcher : undefined;
  }
}

/** From now on, the watcher hears of the events of the message. To be called once for each. */
export function watchMessage(message: object, watcher: Watcher): void {
  if (!isWatching) watchMessages();
  new Watched(message, watcher);
}

export function watcherOf(message: object): Watcher | undefined {
  return Watched.by(message);
}

let isWatching = false;

/** With the first message: before, a program that does not use `http` would load it for nothing. */
function watchMessages(): void {
  isWatching = true;
  const { ClientRequest, IncomingMessage, ServerResponse } = process.getBuiltinModule('node:http');
  for (const { prototype } of [ClientRequest, IncomingMessage, ServerResponse]) replaceEmit(prototype);
}

function replaceEmit(prototype: EventEmitter): void {
  const parent = Object.getPrototypeOf(prototype) as EventEmitter;
  Object.defineProperty(prototype, 'emit', {
    configurable: true,
    writable: true,
    value: function emit(this: EventEmitter, event: string | symbol, argument: unknown): boolean {
      const watcher = Watched.by(this);
      if (watcher !== undefined) {
        const { within } = watcher;
        tell(watcher, event, this, argument);
        // The events of a body are emitted in the context of the connection: a handler may call out from `end`.
        if (within !== undefined && activeContext() !== within && this.listenerCount(event) > 0) {
          return runIn(within, emitBound(parent.emit, this, Array.from(arguments)));
        }
      }
      // As they are, without a list of them, which most events can do without.
      if (arguments.length === 1) return parent.emit.call(this, event);
      if (arguments.length === 2) return parent.emit.call(this, event, argument);
      return Reflect.apply(parent.emit, this, arguments);
    },
  });
}

function tell(watcher: Watcher, event: string | symbol, emitter: EventEmitter, argument: unknown): void {
  try {
    watcher.emitted(event, emitter, argument);
  } catch (error) {
    reportFault('an observer failed', error);
  }
}

function emitBound(emit: EventEmitter['emit'], emitter: EventEmitter, parts: unknown[]): () => boolean {
  return () => Reflect.apply(emit, emitter, parts);
}
