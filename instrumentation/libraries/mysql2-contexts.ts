/**
 * Callbacks and events of mysql2's commands. Its instrumentation leaves them where the answer is read: in the context in which the
 * connection was opened, for whichever request that was. Here they are in that of whoever gave the command.
 *
 * Only the hook's own context is changed: an `AsyncLocalStorage` of the program's is where mysql2 leaves it.
 */
import type { EventEmitter } from 'node:events';
import { activeContext, emitWithin, runIn } from '../context.ts';
import { guard } from '../guard.ts';

type OnResult = (this: unknown, ...args: unknown[]) => unknown;
type Command = EventEmitter & { onResult?: OnResult };
type AddCommand = (this: object, command: Command) => unknown;

/** The class of connections, in the newer versions and in the older ones. */
const files = ['mysql2/lib/base/connection.js', 'mysql2/lib/connection.js'];

/** `exports` are those of any file of mysql2. */
export function watchCommands(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: { addCommand?: AddCommand } };
  if (!files.includes(name) || !prototype || !Object.hasOwn(prototype, 'addCommand')) return;
  const original = prototype.addCommand!;
  prototype.addCommand = function addCommand(command) {
    bindToCaller(command);
    return Reflect.apply(original, this, [command]);
  };
}

const bindToCaller = guard((command: Command) => {
  const within = activeContext();
  const { onResult } = command;
  if (typeof onResult === 'function') {
    command.onResult = function () {
      return runIn(within, () => Reflect.apply(onResult, this, arguments));
    };
  }
  emitWithin(within, command);
});
