/** How the hook hears of the program's emitters without being one of their listeners, or without being counted as one. */
import type { EventEmitter } from 'node:events';
import { guard } from './guard.ts';

/**
 * Tells of an emitter's events before its listeners hear of them, until the function that it returns is called. A listener would
 * be counted by the program, warned of by Node, and called among the program's own.
 */
export function tapEvents(
  emitter: EventEmitter,
  told: (event: string | symbol, ...values: unknown[]) => void,
): () => void {
  const { emit } = emitter;
  const tell = guard(told);
  let isTapped = true;
  const tapped = function (this: EventEmitter, ...args: [string | symbol, ...unknown[]]): boolean {
    if (isTapped) tell(...args);
    return Reflect.apply(emit, this, args) as boolean;
  };
  Object.defineProperty(emitter, 'emit', { configurable: true, writable: true, value: tapped });
  return () => {
    isTapped = false;
    // Another one may have been put over it meanwhile, and calls it.
    if (emitter.emit !== tapped) return;
    // Not deleted: V8 would then search for each property of the emitter whenever it is used.
    emitter.emit = emit;
  };
}

/**
 * Allows one more listener an event: Node warns of an emitter with more than ten, and the program that has ten is not to be
 * warned because of the hook's.
 */
export function makeRoom(emitter: EventEmitter): void {
  const listenersMax = emitter.getMaxListeners();
  if (listenersMax !== 0) emitter.setMaxListeners(listenersMax + 1);
}
