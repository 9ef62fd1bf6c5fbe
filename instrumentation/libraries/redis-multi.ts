/**
 * Transactions and pipelines of redis, whose instrumentation begins the span of a command when the program adds it: before it is
 * sent, and if it never is, the span would not end. Here they begin when the whole is executed.
 */
import { guard } from '../guard.ts';

type Method = (this: Multi, ...args: unknown[]) => unknown;
type Multi = object;
type Prototype = Partial<Record<'addCommand' | 'exec' | 'execAsPipeline', Method>>;

const untraced = new WeakMap<Prototype, Method>();
/** What has been added to each that was not executed. */
const added = new WeakMap<Multi, unknown[][]>();
/** The one whose spans begin: its commands have been added already. */
let beginning: Multi | undefined;

/** `exports` are those of any file of the client, before its instrumentation. */
export function keepAdding(exports: unknown, name: string): void {
  const prototype = prototypeIn(exports, name);
  const original = prototype?.addCommand;
  if (!prototype || !original) return;
  untraced.set(prototype, original);
  prototype.addCommand = function addCommand() {
    return beginning === this ? this : Reflect.apply(original, this, arguments);
  };
}

/** The same, after it. */
export function watchMulti(exports: unknown, name: string): void {
  const prototype = prototypeIn(exports, name);
  const original = prototype && untraced.get(prototype);
  const traced = prototype?.addCommand;
  if (!prototype || !original || !traced) return;
  prototype.addCommand = function addCommand(...args) {
    const commands = added.get(this) ?? [];
    added.set(this, commands);
    commands.push(args);
    return Reflect.apply(original, this, args);
  };
  const begin = guard((multi: Multi) => {
    const commands = added.get(multi) ?? [];
    added.delete(multi);
    beginning = multi;
    for (const args of commands) Reflect.apply(traced, multi, args);
  });
  for (const name of ['exec', 'execAsPipeline'] as const) {
    const execute = prototype[name];
    if (!execute) continue;
    prototype[name] = function () {
      begin(this);
      beginning = undefined;
      return Reflect.apply(execute, this, arguments);
    };
  }
}

function prototypeIn(exports: unknown, name: string): Prototype | undefined {
  const { default: Multi } = Object(exports) as { default?: { prototype?: Prototype } };
  return name.endsWith('/dist/lib/client/multi-command.js') ? Multi?.prototype : undefined;
}
