/** How the hook hears of the program's emitters without being one of their listeners, or without being counted as one. */
import type { EventEmitter } from 'node:events';
import { guard } from './guard.ts';
import { putOver, takeOff } from './put-over.ts';

/**
 * Tells of an emitter's events before its listeners hear of them, until the function that it returns is called. A listener would
 * be counted by the program, warned of by Node, and called among the program's own.
 */
export function tapEvents(
  emitter: EventEmitter,
  told: (event: string | symbol, ...values: unknown[]) => void,
): () => void {
  const tell = guard(told);
  let isTapped = true;
  const tapped = function (this: EventEmitter, ...args: [string | symbol, ...unknown[]]): boolean {
    if (isTapped) tell(...args);
    return Reflect.apply(below.emit, this, args);
  };
  const below = putOver(emitter, 'emit', tapped as EventEmitter['emit']);
  return () => {
    isTapped = false;
    // Unless another one has been put over it meanwhile, which calls it.
    if (emitter.emit === tapped) takeOff(emitter, 'emit', below);
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
