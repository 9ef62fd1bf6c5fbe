/** What the hook reads from its surroundings before it starts: whether to run at all, and as which service. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Package managers and process managers that `NODE_OPTIONS` reaches too; what they run is what is to be seen, not they. */
const managers = /^(npm|npx|pnpm|pnpx|yarn|yarnpkg|corepack|npm-cli|npx-cli|pm2|Daemon)(\.[cm]?js)?$/;

type Environment = Record<string, string | undefined>;

/** Whether this process is not to be recorded: told so by `OTEL_SDK_DISABLED`, or a package manager's own. */
export function isQuietProcess(environment: Environment, script: string | undefined): boolean {
  if (environment['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return true;
  if (script === undefined) return false;
  return (
    managers.test(basename(script)) && (basename(script) !== 'Daemon.js' || /[\\/]pm2[\\/]/.test(script))
  );
}

/** A call that took this long is slow, and the kernel is asked about its connection: SOCKEYE_SLOW_CALL_MS, else a second. */
export function slowCallMs(environment: Environment): number {
  const text = environment['SOCKEYE_SLOW_CALL_MS']?.trim();
  const value = Number(text);
  return text && value >= 0 ? value : 1000;
}

/**
 * The service's name when OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES give none: that of the nearest package.json at or
 * above the program, else `unknown_service:node`. A program among the dependencies (`next start`, pm2) is a tool: what it runs
 * lies in the working folder. Undefined when the environment names it.
 */
export function fallbackServiceName(
  environment: Environment,
  script: string | undefined,
  folder: string,
): string | undefined {
  if (environment['OTEL_SERVICE_NAME']?.trim()) return undefined;
  if (/(^|,)\s*service\.name\s*=/.test(environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '')) return undefined;
  return nearestPackage(script, folder, 'name') ?? 'unknown_service:node';
}

/** The service's version: that of OTEL_RESOURCE_ATTRIBUTES, else of the nearest package.json that has one. */
export function serviceVersion(
  environment: Environment,
  script: string | undefined,
  folder: string,
): string | undefined {
  const attributes = environment['OTEL_RESOURCE_ATTRIBUTES'] ?? '';
  const [, named] = /(?:^|,)\s*service\.version\s*=\s*([^,]*)/.exec(attributes) ?? [];
  if (named !== undefined) return named.trim();
  return nearestPackage(script, folder, 'version');
}

/** A text field of the nearest package.json, at or above the program, that has it. */
function nearestPackage(script: string | undefined, folder: string, field: string): string | undefined {
  const isTool = script === undefined || /[\\/]node_modules[\\/]/.test(script);
  let current = isTool ? folder : dirname(script);
  for (;;) {
    const value = packageField(join(current, 'package.json'), field);
    if (value !== undefined) return value;
    const parent = dirname(current);
    if (parent === current) return undefined;
    current = parent;
  }
}

function packageField(file: string, field: string): string | undefined {
  try {
    const { [field]: value } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return typeof value === 'string' && value !== '' ? value : undefined;
  } catch {
    return undefined;
  }
}
