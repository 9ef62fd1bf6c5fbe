/**
 * Loads the library that reads the kernel before a call needs it, where that can be foreseen: loading takes some 12 ms, and
 * a program whose calls are all quick never pays for it.
 */
import { openConnections } from '../connections-by-host.ts';
import { loadTcpInfo } from './read-tcp-info.ts';

/** A call that has waited this long may well fail, or be slow. */
const waitingMs = 750;

/** Looks for such a call; false when there is nothing to look for any more. To be called now and then, off every call's way. */
export function prepareForWaiting(nowMs: number): boolean {
  for (const { path, evidence } of openConnections()) {
    if (path !== undefined) continue;
    for (const { startMs } of evidence.users) {
      if (nowMs - startMs < waitingMs) continue;
      loadTcpInfo();
      return false;
    }
  }
  return true;
}
