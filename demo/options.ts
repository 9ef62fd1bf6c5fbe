/** The demo's command line. What it does not know is the collector's. */
import { parseArgs } from 'node:util';
import { faults } from './faults.ts';

export const usage = `npm run demo -- [--seconds N] [--once] [--faults NAME,NAME] [--seed N] [--send-to URL] [FLAGS]

  --seconds N     end by itself after N seconds
  --once          play every fault once, then end
  --faults A,B    play these alone: ${faults.map(({ name }) => name).join(', ')}
  --seed N        another traffic than the usual
  --send-to URL   send spans to this OTLP gRPC endpoint, and start no collector
  FLAGS           the collector's own, such as --web 127.0.0.1:0 or --data DIR`;

export interface Options {
  seconds: number | undefined;
  once: boolean;
  names: string[] | undefined;
  seed: number;
  sendTo: string | undefined;
  collectorArgs: string[];
}

const own = {
  seconds: { type: 'string' },
  once: { type: 'boolean' },
  faults: { type: 'string' },
  seed: { type: 'string' },
  'send-to': { type: 'string' },
  help: { type: 'boolean' },
} as const;

export function readOptions(args: string[]): Options | { help: true } | { error: string } {
  const { values, tokens } = parseArgs({
    args,
    options: own,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (values.help) return { help: true };
  // An option without its value is `true` here.
  const [seconds, seed, names, sendTo] = [values.seconds, values.seed, values.faults, values['send-to']].map(
    (value) => (typeof value === 'boolean' ? '' : value),
  );
  for (const [flag, text] of Object.entries({ seconds, seed })) {
    if (text !== undefined && !/^\d+$/.test(text))
      return { error: `--${flag}: got "${text}", expected a number` };
  }
  const unknown = names?.split(',').find((name) => !faults.some((fault) => fault.name === name));
  if (unknown !== undefined) return { error: `--faults: got "${unknown}", expected names of the list below` };
  if (sendTo !== undefined && !URL.canParse(sendTo)) {
    return { error: `--send-to: got "${sendTo}", expected a URL such as http://127.0.0.1:4317` };
  }

  const taken = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== 'option' || !Object.hasOwn(own, token.name)) continue;
    taken.add(token.index);
    if (token.inlineValue === false) taken.add(token.index + 1);
  }
  const collectorArgs = args.filter((_, index) => !taken.has(index));
  if (sendTo !== undefined && collectorArgs.length > 0) {
    return { error: `${collectorArgs[0]}: expected no flag of the collector beside --send-to` };
  }
  return {
    seconds: seconds === undefined ? undefined : Number(seconds),
    once: values.once === true,
    names: names?.split(','),
    seed: Number(seed ?? 1),
    sendTo,
    collectorArgs,
  };
}
