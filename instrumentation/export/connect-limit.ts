/**
 * Gives up connections to the receiver that do not come about: while one is being made, Node does not end a program that has
 * nothing left to do, whatever is unreferenced. A receiver that is far away gets longer each time.
 */
import type { Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';

const limitMsMin = 500;
const limitMsMax = 4_000;
let limitMs = limitMsMin;

/** To be called when the socket begins to connect. */
export function limitConnecting(socket: Socket): void {
  const givenMs = limitMs;
  const timer = setTimeout(() => {
    limitMs = Math.min(2 * givenMs, limitMsMax);
    socket.destroy(new Error(`not connected within ${givenMs} ms`));
  }, givenMs).unref();
  socket.once('connect', () => {
    limitMs = limitMsMin;
    clearTimeout(timer);
  });
  socket.once('close', () => clearTimeout(timer));
}
