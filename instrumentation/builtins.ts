/**
 * Node's own modules that the program may never use, and that the hook must not load for it: `http` takes 3 ms, the others 10
 * and more. They are watched as soon as they are there and a connection opens; before, nothing of them can happen.
 */
import { onChannel } from './channels.ts';
import { guard } from './guard.ts';

const prefix = 'NativeModule ';
const waiting = new Map<string, () => void>();
let lookedAtCount = 0;

/** What Node has loaded, in order; some of it only for itself. */
function loaded(): readonly string[] {
  return (process as unknown as { moduleLoadList?: readonly string[] }).moduleLoadList ?? [];
}

/** Calls `watch` once the program has loaded the module. */
export function whenLoaded(name: 'http' | 'https' | 'http2' | 'tls', watch: () => void): void {
  if (waiting.size === 0) onChannel('net.server.socket', lookForLoaded);
  waiting.set(name, guard(watch));
  lookedAtCount = 0;
}

/** Whether the module is waited for still. */
export function isAwaited(name: string): boolean {
  return waiting.has(name);
}

/** Loads the module, which the program is about to, so that it is watched before it is used. */
export function loadNow(name: 'tls'): void {
  process.getBuiltinModule(name);
  lookForLoaded();
}

/** To be called when a connection opens. */
export function lookForLoaded(): void {
  const list = loaded();
  if (waiting.size === 0 || list.length === lookedAtCount) return;
  for (const entry of list.slice(lookedAtCount)) {
    const name = entry.startsWith(prefix) ? entry.slice(prefix.length) : '';
    const watch = waiting.get(name);
    waiting.delete(name);
    watch?.();
  }
  lookedAtCount = list.length;
}
