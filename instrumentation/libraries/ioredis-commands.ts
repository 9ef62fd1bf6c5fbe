/**
 * Commands of ioredis, whose instrumentation begins to listen to one when that has been given to the client: it misses what the
 * client does with it at once, and takes one that the client gives to itself again, once it is connected, for another.
 */
import { fail, noteSpanOf, noteStarted, startedFor, type Started } from './started-span.ts';

interface Command {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}
type SendCommand = (this: object, command: Command, ...rest: unknown[]) => unknown;
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
    if (started.span) noteSpanOf(command, started.span);
    return result;
  };
}

function prototypeIn(exports: unknown, name: string): Prototype | undefined {
  const { prototype } = Object(exports) as { prototype?: Prototype };
  return name === 'ioredis' ? prototype : undefined;
}
