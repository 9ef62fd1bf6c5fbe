/** What stands behind the name of a command: its flags, read strictly; what cannot be used is a ConfigError. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ConfigError } from '../config.ts';
import { parseDuration } from '../settings.ts';

export type FlagOptions = NonNullable<ParseArgsConfig['options']>;

/** Throws ConfigError for a flag that the command does not have, or that lacks its value. */
export function parseFlags<Options extends FlagOptions>(
  command: string,
  args: readonly string[],
  options: Options,
  { allowPositionals = false } = {},
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals });
  } catch (error) {
    const [got] = (error as Error).message.split('. To specify', 1);
    throw new ConfigError(`${command}: got ${got}, expected the flags of sockeye ${command} --help`);
  }
}

/** Milliseconds of `1h`. */
export function durationFlag(flag: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new ConfigError(`${flag}: got "${text}", expected ${(error as Error).message}`);
  }
}

/** How many: 1 and more. */
export function countFlag(flag: string, text: string, most: number): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= most) return count;
  throw new ConfigError(`${flag}: got "${text}", expected a number from 1 to ${most}`);
}
