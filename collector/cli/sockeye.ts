#!/usr/bin/env node
/** The command `sockeye`: finds the command in its first argument and runs it. Without one it serves. */
import { beginWithOneArena } from '../one-arena.ts';

type Command = (args: readonly string[]) => Promise<number>;

/** Each loads what it needs, and no more. */
const COMMANDS = new Map<string, Command>([
  ['serve', serve],
  ['backup', async (args) => (await import('./backup.ts')).runBackup(args)],
  ['demo', async (args) => (await import('./demo.ts')).runDemo(args)],
  ['doctor', async (args) => (await import('./doctor.ts')).runDoctor(args)],
  ['export', async (args) => (await import('./export.ts')).runExport(args)],
  ['import', async (args) => (await import('./import.ts')).runImport(args)],
  ['run', async (args) => (await import('./run.ts')).runRun(args)],
  ['sql', async (args) => (await import('./sql.ts')).runSql(args)],
  ['trace', async (args) => (await import('./trace.ts')).runTrace(args)],
  ['timeouts', async (args) => (await import('./timeouts.ts')).runTimeouts(args)],
]);
const EXIT_WRONG_USE = 2;

async function serve(args: readonly string[]): Promise<number> {
  beginWithOneArena(process.env);
  return (await import('../main.ts')).serve(args, process.env);
}

/** Returns the exit code. */
async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name.startsWith('-')) return serve(process.argv.slice(2));
  const command = COMMANDS.get(name);
  if (command !== undefined) return command(args);
  const known = [...COMMANDS.keys()].join(', ');
  console.error(
    `sockeye: unknown command: got ${name}, expected one of ${known}; sockeye --help lists flags`,
  );
  return EXIT_WRONG_USE;
}

process.exitCode = await run(process.argv.slice(2));
