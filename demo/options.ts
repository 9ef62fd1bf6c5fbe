/** The demo's command line. What it does not know is the collector's. */
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

function readNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return text !== undefined && text !== '' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

export function readOptions(args: string[]): Options | { help: true } | { error: string } {
  const options: Options = {
    seconds: undefined,
    once: false,
    names: undefined,
    seed: 1,
    sendTo: undefined,
    collectorArgs: [],
  };
  const rest = args.flatMap((arg) =>
    /^--(seconds|seed|faults|send-to)=/.test(arg) ? splitAtEquals(arg) : [arg],
  );
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help') return { help: true };
    if (arg === '--once') options.once = true;
    else if (arg === '--seconds' || arg === '--seed') {
      const text = rest.shift();
      const value = readNumber(text);
      if (value === undefined) return { error: `${arg}: got "${text ?? ''}", expected a number` };
      options[arg === '--seed' ? 'seed' : 'seconds'] = value;
    } else if (arg === '--faults') {
      options.names = (rest.shift() ?? '').split(',');
      const unknown = options.names.find((name) => !faults.some((fault) => fault.name === name));
      if (unknown !== undefined)
        return { error: `--faults: got "${unknown}", expected names of the list below` };
    } else if (arg === '--send-to') {
      options.sendTo = rest.shift();
      if (!URL.canParse(options.sendTo ?? '')) {
        return {
          error: `--send-to: got "${options.sendTo ?? ''}", expected a URL such as http://127.0.0.1:4317`,
        };
      }
    } else options.collectorArgs.push(arg);
  }
  if (options.sendTo && options.collectorArgs.length > 0) {
    return { error: `${options.collectorArgs[0]}: expected no flag of the collector beside --send-to` };
  }
  return options;
}

function splitAtEquals(arg: string): string[] {
  const at = arg.indexOf('=');
  return [arg.slice(0, at), arg.slice(at + 1)];
}
