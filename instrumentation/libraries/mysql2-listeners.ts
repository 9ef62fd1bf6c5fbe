/**
 * Keeps off the listeners that mysql2's instrumentation adds to a query without a callback: they would hear an `error` that nobody
 * of the program hears, which then would not end it, as it does without the hook; and be counted. They are called before the event.
 * And tells them what they would not hear: of a query with values, which the instrumentation adds none to, of the end of one that
 * gives no row, and of one whose connection was lost, which mysql2 tells the connection alone.
 *
 * It ends the spans of queries that mysql2 throws at, and of those whose connection the program destroys, of which nobody is told.
 *
 *     query  the program's call: gives back the query     (after the instrumentation)
 *       query  the instrumentation's: adds its listeners
 *         query  gives it a stand-in of the query         (before it)
 *           query  mysql2's
 */
import type { EventEmitter } from 'node:events';
import { guard } from '../guard.ts';
import { putOver, takeOff } from '../put-over.ts';
import { cancel } from './giving-up.ts';
import { fail, noteSpanOf, noteStarted, startedFor, type Started } from './started-span.ts';

type Command = EventEmitter & { onResult?: unknown };
interface Connection {
  _command?: unknown;
  _commands?: { toArray(): unknown[] };
  _notifyError?: Query;
  close?: Query;
  addCommand?: unknown;
  _addCommandClosedState?: unknown;
}
type Query = (this: Connection, ...args: unknown[]) => unknown;
type Queries = Record<(typeof methods)[number], Query> & Connection;

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

/** What the program gave the query that is made now by the instrumentation, which is called by the hook. */
let expected: IArguments | undefined;

/** `exports` are those of any file of mysql2, before its instrumentation. */
export function standIn(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: Queries };
  if (!files.includes(name) || !prototype) return;
  for (const method of methods) {
    if (!Object.hasOwn(prototype, method)) continue;
    wrap(prototype, method, (original, connection, args) => {
      const given = expected;
      expected = undefined;
      const command = Reflect.apply(original, connection, given ?? args) as Command | undefined;
      return given && typeof command?.once === 'function' ? new StandIn(command) : command;
    });
  }
  watchLosses(prototype);
}

function watchLosses(prototype: Connection): void {
  const { _notifyError: original, close } = prototype;
  if (!Object.hasOwn(prototype, '_notifyError') || !original || !close) return;
  // Those with a callback are told by that.
  const tellOfLoss = guard((connection: Connection, error: unknown) => {
    for (const command of commandsOf(connection)) if (!hasCallback(command)) fail(startedFor(command), error);
  });
  prototype._notifyError = function _notifyError(error) {
    tellOfLoss(this, error);
    return Reflect.apply(original, this, arguments);
  };
  // An answer that is under way may come all the same: who destroys a connection waits for none.
  const tellOfEnd = guard((connection: Connection) => {
    for (const command of commandsOf(connection)) cancel(startedFor(command), 'Connection destroyed');
  });
  prototype.close = function () {
    tellOfEnd(this);
    return Reflect.apply(close, this, arguments);
  };
}

function commandsOf({ _command, _commands }: Connection): Command[] {
  return [_command, ...(_commands?.toArray() ?? [])].filter(
    (command) => command instanceof Object,
  ) as Command[];
}

const hasCallback = ({ onResult }: Command) => typeof onResult === 'function';

/** The same, after it. */
export function giveBack(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: Queries };
  if (name !== patchedFile || !prototype) return;
  const base = Object.getPrototypeOf(prototype) as Queries;
  for (const method of methods) {
    const owner = [prototype, base].find((each) => Object.hasOwn(each, method));
    if (!owner) continue;
    wrap(owner, method, (original, connection, args) => {
      const isCalledBack = typeof args[1] === 'function' || typeof args[2] === 'function';
      // One without is listened to where it is the only argument.
      const shown = isCalledBack ? args : Array.prototype.slice.call(args, 0, 1);
      const started: Started = {};
      let returned: unknown;
      try {
        expected = isCalledBack ? undefined : args;
        returned = noteStarted(started, () => Reflect.apply(original, connection, shown));
      } catch (error) {
        fail(started.span, error);
        throw error;
      } finally {
        expected = undefined;
      }
      const command = returned instanceof StandIn ? returned.command : returned;
      if (started.span && command instanceof Object) noteSpanOf(command, started.span);
      if (returned instanceof StandIn) hear(returned, connection);
      return command;
    });
  }
}

function wrap(
  owner: Queries,
  method: (typeof methods)[number],
  around: (original: Query, connection: Connection, args: IArguments) => unknown,
): void {
  const original = owner[method];
  const wrapped: Query = function () {
    return around(original, this, arguments);
  };
  Object.defineProperties(wrapped, { name: { value: method }, length: { value: original.length } });
  owner[method] = wrapped;
}

/** Tells the instrumentation's listeners of the first event that they wait for, after which they know all. */
const hear = guard(({ command, heard }: StandIn, connection: Connection) => {
  // What has a callback tells them by that.
  if (heard.size === 0 || hasCallback(command)) return;
  let isTold = false;
  const tell = guard((event: unknown, value: unknown) => {
    // Without a row, the end is all that comes.
    const listener = heard.get(event === 'end' ? 'result' : event);
    if (!listener || isTold) return;
    isTold = true;
    listener(value);
  });
  // It was not taken: the connection, and nobody else, was told so.
  if (connection.addCommand === connection._addCommandClosedState && connection.addCommand !== undefined) {
    tell('error', new Error("Can't add new command when connection is in closed state"));
    return;
  }
  const emit = function (this: Command, event: unknown): boolean {
    if (!isTold) {
      tell(event, arguments[1]);
      if (isTold && command.emit === emit) takeOff(command, 'emit', below);
    }
    return Reflect.apply(below.emit, this, arguments) as boolean;
  };
  const below = putOver(command, 'emit', emit);
});
