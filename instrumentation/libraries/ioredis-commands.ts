/**
 * Commands of ioredis, whose instrumentation begins to listen to one when that has been given to the client: it misses what the
 * client does with it at once, and takes one that the client gives to itself again, once it is connected, for another.
 */
import type { Span } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { noteCause } from './giving-up.ts';
import { fail, noteSpanOf, noteStarted, startedFor, type Started } from './started-span.ts';

interface Command {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}
interface Client {
  stream?: { errored?: unknown };
}
type SendCommand = (this: Client, command: Command, ...rest: unknown[]) => unknown;
interface Prototype {
  sendCommand?: SendCommand;
}

const untraced = new WeakMap<Prototype, SendCommand>();

/** `exports` are those of any file of ioredis, before its instrumentation. */
export function keepUntraced(exports: unknown, name: string): void {
  const prototype = prototypeIn(exports, name);
  if (prototype?.sendCommand) untraced.set(prototype, prototype.sendCommand);
}

/** The same, after it. */
export function watchSent(exports: unknown, name: string): void {
  const prototype = prototypeIn(exports, name);
  const original = prototype && untraced.get(prototype);
  const traced = prototype?.sendCommand;
  if (!original || !traced) return;
  prototype.sendCommand = function sendCommand(command) {
    if (!(command instanceof Object)) return Reflect.apply(traced, this, arguments);
    if (startedFor(command)?.isRecording()) return Reflect.apply(original, this, arguments);
    const started: Started = {};
    let isGiven = false;
    const { resolve, reject } = command;
    command.resolve = (value) => {
      if (!isGiven) started.span?.end();
      resolve(value);
    };
    command.reject = (error) => {
      if (!isGiven) fail(started.span, error);
      reject(error);
    };
    const result = noteStarted(started, () => Reflect.apply(traced, this, arguments));
    isGiven = true;
    if (started.span) followSent(command, started.span, this);
    return result;
  };
}

/** Of a command whose connection ended, ioredis says no more than that. */
const followSent = guard((command: Command, span: Span, client: Client) => {
  noteSpanOf(command, span);
  const { reject } = command;
  const explain = guard((error: unknown) => {
    const { errored } = client.stream ?? {};
    const isOfConnection = error instanceof Error && error.message === 'Connection is closed.';
    if (isOfConnection && errored instanceof Error) noteCause(span, errored);
  });
  command.reject = (error) => {
    explain(error);
    reject(error);
  };
});

function prototypeIn(exports: unknown, name: string): Prototype | undefined {
  const { prototype } = Object(exports) as { prototype?: Prototype };
  return name === 'ioredis' ? prototype : undefined;
}
