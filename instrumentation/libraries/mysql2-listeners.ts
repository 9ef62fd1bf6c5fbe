/**
 * Keeps off the listeners that mysql2's instrumentation adds to a query without a callback: they would hear an `error` that nobody
 * of the program hears, which then would not end it, as it does without the hook; and be counted. They are called before the event.
 *
 *     query  the program's call: gives back the query     (after the instrumentation)
 *       query  the instrumentation's: adds its listeners
 *         query  gives it a stand-in of the query         (before it)
 *           query  mysql2's
 */
import type { EventEmitter } from 'node:events';
import { guard } from '../guard.ts';
import { putOver, takeOff } from '../put-over.ts';

type Command = EventEmitter & { onResult?: unknown };
type Query = (this: object, ...args: unknown[]) => unknown;
type Queries = Record<(typeof methods)[number], Query>;

const methods = ['query', 'execute'] as const;
/** Where the instrumentation patches the class of connections, or what that inherits from. */
const patchedFile = 'mysql2/lib/connection.js';
const files = ['mysql2/lib/base/connection.js', patchedFile];

class StandIn {
  readonly command: Command;
  readonly heard = new Map<unknown, (value: unknown) => void>();

  constructor(command: Command) {
    this.command = command;
  }

  once(event: string, listener: (value: unknown) => void): this {
    this.heard.set(event, listener);
    return this;
  }
}

/** Whether the query that is made now is the instrumentation's, which is called by the hook. */
let isExpected = false;

/** `exports` are those of any file of mysql2, before its instrumentation. */
export function standIn(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: Queries };
  if (!files.includes(name) || !prototype) return;
  for (const method of methods) {
    if (!Object.hasOwn(prototype, method)) continue;
    wrap(prototype, method, (original, connection, args) => {
      const isOurs = isExpected;
      isExpected = false;
      const command = Reflect.apply(original, connection, args) as Command | undefined;
      return isOurs && typeof command?.once === 'function' ? new StandIn(command) : command;
    });
  }
}

/** The same, after it. */
export function giveBack(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: Queries };
  if (name !== patchedFile || !prototype) return;
  const base = Object.getPrototypeOf(prototype) as Queries;
  for (const method of methods) {
    const owner = [prototype, base].find((each) => Object.hasOwn(each, method));
    if (!owner) continue;
    wrap(owner, method, (original, connection, args) => {
      isExpected = true;
      let returned: unknown;
      try {
        returned = Reflect.apply(original, connection, args);
      } finally {
        isExpected = false;
      }
      if (!(returned instanceof StandIn)) return returned;
      hear(returned);
      return returned.command;
    });
  }
}

function wrap(
  owner: Queries,
  method: (typeof methods)[number],
  around: (original: Query, connection: object, args: IArguments) => unknown,
): void {
  const original = owner[method];
  const wrapped: Query = function () {
    return around(original, this, arguments);
  };
  Object.defineProperties(wrapped, { name: { value: method }, length: { value: original.length } });
  owner[method] = wrapped;
}

/** Tells the instrumentation's listeners of the first event that they wait for, after which they know all. */
const hear = guard(({ command, heard }: StandIn) => {
  // What has a callback tells them by that.
  if (heard.size === 0 || typeof command.onResult === 'function') return;
  let isTold = false;
  const tell = guard((event: unknown, value: unknown) => {
    const listener = heard.get(event);
    if (!listener) return;
    isTold = true;
    listener(value);
  });
  const emit = function (this: Command, event: unknown): boolean {
    if (!isTold) {
      tell(event, arguments[1]);
      if (isTold && command.emit === emit) takeOff(command, 'emit', below);
    }
    return Reflect.apply(below.emit, this, arguments) as boolean;
  };
  const below = putOver(command, 'emit', emit);
});
