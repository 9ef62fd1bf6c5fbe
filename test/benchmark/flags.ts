/** The flags of a benchmark: what each means and is by default is said once, for reading, for `--help` and for the types. */
import { parseArgs } from 'node:util';

export interface Flag<T> {
  /** What stands for its value in the help; empty when it takes none. */
  readonly operand: string;
  readonly about: string;
  readonly byDefault: T;
  /** Throws with what was expected. */
  readonly read: (text: string) => T;
}
type Flags = Readonly<Record<string, Flag<unknown>>>;
type Values<F extends Flags> = { readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never };

function readNumber(text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least) || !Number.isFinite(value)) {
    throw new Error(`a number of at least ${least}`);
  }
  return value;
}

/** A number of at least `least`; without a default it may be left out. */
export const number = <Default extends number | undefined>(
  byDefault: Default,
  about: string,
  least = 1,
): Flag<number | Default> => ({ operand: 'N', about, byDefault, read: (text) => readNumber(text, least) });

export const numbers = (byDefault: readonly number[], about: string): Flag<readonly number[]> => ({
  operand: 'LIST',
  about,
  byDefault,
  read: (text) => text.split(',').map((each) => readNumber(each, 1)),
});

/** Some of `all`, which is the default. */
export const choices = <Name extends string>(all: readonly Name[]): Flag<readonly Name[]> => ({
  operand: 'LIST',
  about: 'some of these',
  byDefault: all,
  read: (text) =>
    text.split(',').map((each) => {
      const name = all.find((known) => known === each);
      if (name === undefined) throw new Error(`some of ${all.join()}`);
      return name;
    }),
});

export const text = <Default extends string | undefined>(
  operand: string,
  byDefault: Default,
  about: string,
): Flag<string | Default> => ({ operand, about, byDefault, read: (given) => given });

export const onOff = (about: string): Flag<boolean> => ({
  operand: '',
  about,
  byDefault: false,
  read: () => true,
});

export const json = onOff('everything that was measured, for programs');
export const seed = number(1, 'another makes another load', 0);

function helpOf(command: string, flags: Flags): string {
  const rows = Object.entries(flags).map(([name, { operand, about, byDefault }]) => {
    const shown = String(byDefault ?? '');
    return [`--${name} ${operand}`, operand === '' || shown === '' ? about : `${about} (${shown})`] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return [
    `Usage: ${command} [FLAGS]\n`,
    ...rows.map(([flag, about]) => `  ${flag.padEnd(width)}  ${about}`),
  ].join('\n');
}

/** Pure: the values, or what is to be said instead of a run. */
export function parseFlags<F extends Flags>(
  command: string,
  flags: F,
  args: readonly string[],
): { values: Values<F> } | { help: string } | { error: string } {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { operand }]) => [
      name,
      { type: operand === '' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  let given: Record<string, unknown>;
  try {
    given = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    return { error: `${(error as Error).message.split('. ')[0]}; --help shows all flags` };
  }
  if (given.help === true) return { help: helpOf(command, flags) };
  const values: Record<string, unknown> = {};
  for (const [name, { byDefault, read }] of Object.entries(flags)) {
    const value = given[name];
    try {
      values[name] = value === undefined ? byDefault : read(String(value));
    } catch (error) {
      return { error: `--${name}: got "${String(value)}", expected ${(error as Error).message}` };
    }
  }
  return { values: values as Values<F> };
}

/** The values of this process's flags; `--help` and a wrong one end the process, with exit code 0 and 2. */
export function readFlags<F extends Flags>(command: string, flags: F): Values<F> {
  const parsed = parseFlags(command, flags, process.argv.slice(2));
  if ('values' in parsed) return parsed.values;
  if ('help' in parsed) {
    console.log(parsed.help);
    process.exit(0);
  }
  console.error(parsed.error);
  process.exit(2);
}
