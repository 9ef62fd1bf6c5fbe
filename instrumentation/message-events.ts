/**
 * Tells of the events of HTTP messages without listening: a listener would be counted, warned of, and called among the
 * program's own. `emit` of the three classes of `node:http` is replaced, once; a message that nobody watches passes through.
 */
import type { EventEmitter } from 'node:events';
import type { Context } from '@opentelemetry/api';
import { activeContext, runIn } from './context.ts';
import { reportFault } from './guard.ts';
import { createSlot } from './slot.ts';

export interface Watcher {
  /** The context that the program's listeners run in; undefined: whichever it is. */
  within: Context | undefined;
  /** An event is about to reach the program's listeners, with its first argument. */
  emitted(event: string | symbol, emitter: object, argument: unknown): void;
}

const watchers = createSlot<Watcher>();

/** From now on, the watcher hears of the events of the message. */
export const watchMessage = watchers.put;
export const watchedBy = watchers.of;

let isWatching = false;

/** To be called before any message is watched. */
export function watchMessages(): void {
  if (isWatching) return;
  isWatching = true;
  const { ClientRequest, IncomingMessage, ServerResponse } = process.getBuiltinModule('node:http');
  for (const { prototype } of [ClientRequest, IncomingMessage, ServerResponse]) replaceEmit(prototype);
}

function replaceEmit(prototype: EventEmitter): void {
  const parent = Object.getPrototypeOf(prototype) as EventEmitter;
  Object.defineProperty(prototype, 'emit', {
    configurable: true,
    writable: true,
    value: function emit(this: EventEmitter, event: string | symbol): boolean {
      const watcher = watchers.of(this);
      if (watcher === undefined) return Reflect.apply(parent.emit, this, arguments);
      try {
        watcher.emitted(event, this, arguments[1]);
      } catch (error) {
        reportFault('an observer failed', error);
      }
      const { within } = watcher;
      // The events of a body are emitted in the context of the connection: a handler may call out from `end`.
      if (within === undefined || activeContext() === within || this.listenerCount(event) === 0) {
        return Reflect.apply(parent.emit, this, arguments);
      }
      return runIn(within, () => Reflect.apply(parent.emit, this, arguments));
    },
  });
}
