/** The delays of mysql2's timers, which it clears before it does anything else when they have run out. */
import { runCleared } from '../running-timer.ts';

interface Timed {
  /** Of a query. */
  timeout?: unknown;
  /** Of a connection. */
  config?: { connectTimeout?: unknown };
  stream?: { connecting?: unknown };
}
type RanOut = (this: Timed, ...args: unknown[]) => unknown;

const queryDelay = ({ timeout }: Timed) => timeout;
const connectionDelay = ({ config }: Timed) => config?.connectTimeout;

/** The classes that have timers, connections in the newer versions and in the older ones. */
const delayIn: Record<string, (owner: Timed) => unknown> = {
  'mysql2/lib/commands/query.js': queryDelay,
  'mysql2/lib/base/connection.js': connectionDelay,
  'mysql2/lib/connection.js': connectionDelay,
};

/** `exports` are those of any file of mysql2. */
export function watchTimers(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: { _handleTimeoutError?: RanOut } };
  const delayOf = delayIn[name];
  if (!delayOf || !prototype || !Object.hasOwn(prototype, '_handleTimeoutError')) return;
  const original = prototype._handleTimeoutError!;
  prototype._handleTimeoutError = function _handleTimeoutError() {
    const delay = delayOf(this);
    const delayMs = typeof delay === 'number' ? delay : undefined;
    // The timer of a connection goes on until the server has greeted and let it in; its error speaks of connecting alone.
    const phase = this.stream?.connecting === false ? 'wait' : undefined;
    return runCleared({ delayMs, phase }, () => Reflect.apply(original, this, arguments));
  };
}
