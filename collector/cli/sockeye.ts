#!/usr/bin/env node
/** The command `sockeye`: finds the command in its first argument and runs it. Without one it serves. */
import { serve } from '../main.ts';
import { runBackup } from './backup.ts';
import { runDemo } from './demo.ts';
import { runSql } from './sql.ts';

type Command = (args: readonly string[]) => Promise<number>;

const COMMANDS = new Map<string, Command>([
  ['serve', (args) => serve(args, process.env)],
  ['backup', runBackup],
  ['demo', runDemo],
  ['sql', runSql],
]);
const LATER = ['run', 'doctor', 'trace', 'timeouts', 'export', 'import'];
const EXIT_WRONG_USE = 2;

/** Returns the exit code. */
async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name.startsWith('-')) return serve(process.argv.slice(2), process.env);
  const command = COMMANDS.get(name);
  if (command !== undefined) return command(args);
  const known = [...COMMANDS.keys()].join(', ');
  if (LATER.includes(name)) console.error(`sockeye: ${name} is not available yet; expected one of ${known}`);
  else
    console.error(
      `sockeye: unknown command: got ${name}, expected one of ${known}; sockeye --help lists flags`,
    );
  return EXIT_WRONG_USE;
}

process.exitCode = await run(process.argv.slice(2));
