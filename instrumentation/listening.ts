/** Listeners of the hook's own, which are not to take the place of the program's. */
import type { EventEmitter } from 'node:events';

/**
 * Allows one more listener an event: Node warns of an emitter with more than ten, and the program that has ten is not to be
 * warned because of the hook's.
 */
export function makeRoom(emitter: EventEmitter): void {
  const listenersMax = emitter.getMaxListeners();
  if (listenersMax !== 0) emitter.setMaxListeners(listenersMax + 1);
}
