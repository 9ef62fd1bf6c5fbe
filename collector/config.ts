/**
 * Flags, environment and file become one frozen Config, before anything is started.
 *
 *     --flag  beats  SOCKEYE_FLAG  beats  key of the file  beats  default
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { parse as parseYaml } from 'yaml';
import { BadDestination, isOneOf, parseDestinations } from './forward-settings.ts';
import type { Destination } from './forward/destination.ts';
import {
  BadValue,
  environmentName,
  formatAddress,
  SETTINGS,
  type Address,
  type Setting,
  type SettingName,
} from './settings.ts';

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly clientCa: Buffer | null;
}

export interface Config {
  readonly otlpGrpc: Address;
  readonly otlpHttp: Address;
  readonly web: Address;
  /** null where it has no port of its own. */
  readonly zipkin: Address | null;
  readonly jaegerHttp: Address | null;
  readonly jaegerGrpc: Address | null;
  readonly dataFolder: string;
  readonly keepMs: number;
  readonly keepBytes: number;
  readonly maxRequestBytes: number;
  readonly maxQueueBytes: number;
  readonly token: string | null;
  readonly tls: TlsFiles | null;
  /** For who sends from this machine: where the certificate is. */
  readonly tlsCertFile: string | null;
  readonly corsOrigins: readonly string[];
  readonly hostNames: readonly string[];
  readonly forward: readonly Destination[];
  readonly forwardQueueBytes: number;
  readonly allowPurge: boolean;
  readonly zipkinKeys: readonly string[];
  /** To print at start: risks, and what is ignored. */
  readonly warnings: readonly string[];
}

/** Says which setting, what was got and what is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What was written for a setting, and where, for messages. */
interface Written {
  readonly where: string;
  readonly texts: readonly string[];
}
type WrittenSettings = Map<string, Written>;

/** Throws ConfigError. Reads the files that the settings name, and nothing else. */
export function readConfig(args: readonly string[], environment: NodeJS.ProcessEnv): Config {
  const flags = readFlags(args);
  const variables = readEnvironment(environment);
  const file = valueOf('config', flags, variables);
  const keys = file === null ? new Map<string, Written>() : readConfigFile(file);
  const sources = [flags, variables, keys] as const;
  for (const source of sources) checkSource(source);

  const value = <N extends SettingName>(name: N) => valueOf(name, ...sources);
  const required = <N extends SettingName>(name: N) => value(name)!;
  required('store');
  const maxRequestBytes = required('max-request-bytes');
  const maxQueueBytes = required('max-queue-bytes');
  if (maxQueueBytes < maxRequestBytes) {
    throw new ConfigError(
      `--max-queue-bytes: got ${maxQueueBytes}, expected at least --max-request-bytes (${maxRequestBytes}), or the largest request could never be accepted`,
    );
  }
  const config: Omit<Config, 'warnings'> = {
    otlpGrpc: required('otlp-grpc'),
    otlpHttp: required('otlp-http'),
    web: required('web'),
    zipkin: value('zipkin'),
    jaegerHttp: value('jaeger-http'),
    jaegerGrpc: value('jaeger-grpc'),
    dataFolder: required('data'),
    keepMs: required('keep'),
    keepBytes: required('keep-bytes'),
    maxRequestBytes,
    maxQueueBytes,
    token: readToken(value('token'), value('token-file')),
    tls: readTls(value('tls-cert'), value('tls-key'), value('tls-client-ca')),
    tlsCertFile: value('tls-cert'),
    corsOrigins: valuesOf('cors', ...sources),
    hostNames: valuesOf('host-name', ...sources),
    forward: sources.map(readForward).find((destinations) => destinations.length > 0) ?? [],
    forwardQueueBytes: required('forward-queue-bytes'),
    allowPurge: required('allow-purge'),
    zipkinKeys: required('zipkin-keys'),
  };
  const looped = config.forward.find((destination) => isOneOf(destination, portsOf(config)));
  if (looped !== undefined)
    throw new ConfigError(`--forward: got ${looped.url}, this collector itself, expected another backend`);
  return Object.freeze({ ...config, warnings: [...unknownVariables(environment), ...warningsOf(config)] });
}

export function helpText(): string {
  const lines = Object.entries(SETTINGS).map(([name, setting]: [string, Setting]) => {
    const flag = `--${name}${setting.takes === '' ? '' : ` ${setting.takes}`}`;
    const notes = [
      ...(setting.fallback === null || setting.takes === '' ? [] : [`default ${setting.fallback}`]),
      ...(setting.repeatable ? ['may be repeated'] : []),
    ];
    return `  ${flag.padEnd(28)}${setting.about}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
  });
  return [
    ...lines,
    `  ${'--version'.padEnd(28)}prints the version`,
    `  ${'--help'.padEnd(28)}prints this`,
    '',
    'Each flag is also an environment variable (--otlp-grpc: SOCKEYE_OTLP_GRPC) and a key of the configuration',
    'file (otlp-grpc). A flag beats the environment, which beats the file.',
  ].join('\n');
}

function readFlags(args: readonly string[]): WrittenSettings {
  const written: WrittenSettings = new Map();
  for (let at = 0; at < args.length; at++) {
    const [, name = '', , inline] = /^--([^=]*)(=([^]*))?$/.exec(args[at]!) ?? [];
    const where = `--${name}`;
    if (name === '') throw new ConfigError(`argument: got "${args[at]}", expected a flag; see --help`);
    const setting = settingOf(name);
    if (setting === null)
      throw new ConfigError(`unknown flag: got ${where}, expected one of those in --help`);
    let text = inline;
    if (text === undefined && setting.takes === '') text = 'true';
    if (text === undefined) {
      text = args[++at];
      if (text === undefined || text.startsWith('--')) {
        throw new ConfigError(`${where}: got no value, expected ${setting.takes}`);
      }
    }
    const before = setting.repeatable ? (written.get(name)?.texts ?? []) : [];
    written.set(name, { where, texts: [...before, text] });
  }
  return written;
}

/** An empty variable is an unset one; several values of a repeatable setting are separated by commas. */
function readEnvironment(environment: NodeJS.ProcessEnv): WrittenSettings {
  const written: WrittenSettings = new Map();
  for (const [name, setting] of Object.entries(SETTINGS) as [string, Setting][]) {
    const where = environmentName(name);
    const text = environment[where] ?? '';
    if (text === '') continue;
    const split = setting.repeatable ? text.split(',').map((part) => part.trim()) : [text];
    const texts = (setting.structured ? readObjects(text) : null) ?? split;
    written.set(name, { where, texts });
  }
  return written;
}

/** A text of each object, whose commas separate no values. */
function readObjects(text: string): string[] | null {
  if (!text.startsWith('{')) return null;
  try {
    return (JSON.parse(`[${text}]`) as unknown[]).map((item) => JSON.stringify(item));
  } catch {
    return [text];
  }
}

/** Named for the hook, for commands, by Kubernetes after a service called sockeye, or for the repository's scripts. */
const OTHERS_VARIABLES =
  /^SOCKEYE_(BEGUN_ANEW|SDK|URL|SLOW_CALL_MS|HOST_METRICS|CHROMIUM|SERVICE_(HOST|PORT.*)|PORT|PORT_\d+_.*)$/;

/** A misspelt variable would else be ignored in silence; refusing it would fail where an environment is shared. */
function unknownVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = new Set(Object.keys(SETTINGS).map(environmentName));
  return Object.keys(environment)
    .filter((name) => name.startsWith('SOCKEYE_') && !known.has(name) && !OTHERS_VARIABLES.test(name))
    .map(
      (name) => `${name}: got an unknown variable, expected one named after a flag of --help; it is ignored`,
    );
}

function readConfigFile(path: string): WrittenSettings {
  const content = readSettingsFile('--config', path).toString('utf8');
  let document: unknown;
  try {
    document = parseYaml(content) ?? {};
  } catch (error) {
    throw new ConfigError(`${path}: got ${firstLine(error)}, expected YAML such as "keep: 7d"`);
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new ConfigError(
      `${path}: got ${JSON.stringify(document)}, expected keys and values such as "keep: 7d"`,
    );
  }
  const written: WrittenSettings = new Map();
  for (const [name, value] of Object.entries(document)) {
    const where = `${path}, key ${name}`;
    const setting = settingOf(name);
    if (setting === null || name === 'config') {
      throw new ConfigError(
        `${path}: got the unknown key "${name}", expected the flags of --help without dashes`,
      );
    }
    const items: unknown[] = Array.isArray(value) && setting.repeatable ? value : [value];
    const isObject = (item: unknown) => typeof item === 'object' && item !== null && !Array.isArray(item);
    const isGood = (item: unknown) =>
      ['string', 'number', 'boolean'].includes(typeof item) || (setting.structured && isObject(item));
    if (!items.every(isGood)) {
      const text = setting.structured ? 'a text, an object with a url,' : 'a text';
      const expected = setting.repeatable
        ? `${text} or a list of ${setting.structured ? 'these' : 'texts'}`
        : `one value (${setting.takes || 'true or false'})`;
      const got = setting.structured ? 'something else' : JSON.stringify(value);
      throw new ConfigError(`${where}: got ${got}, expected ${expected}`);
    }
    const texts = items.map((item) => (isObject(item) ? JSON.stringify(item) : String(item)));
    written.set(name, { where, texts });
  }
  return written;
}

function settingOf(name: string): Setting | null {
  return Object.hasOwn(SETTINGS, name) ? SETTINGS[name as SettingName] : null;
}

/** A bad value is refused also where a better source overrules it. */
function checkSource(source: WrittenSettings): void {
  for (const [name, { where, texts }] of source) {
    for (const text of texts) parseOne(name as SettingName, where, text);
  }
}

type ValueOf<N extends SettingName> = ReturnType<(typeof SETTINGS)[N]['parse']>;

/** The value of the first source that has it, else the default, else null. */
function valueOf<N extends SettingName>(name: N, ...sources: WrittenSettings[]): ValueOf<N> | null {
  const fallback = SETTINGS[name].fallback;
  return (
    valuesOf(name, ...sources).at(-1) ?? (fallback === null ? null : parseOne(name, 'default', fallback))
  );
}

function valuesOf<N extends SettingName>(name: N, ...sources: WrittenSettings[]): ValueOf<N>[] {
  const written = sources.find((source) => source.has(name))?.get(name);
  return written?.texts.map((text) => parseOne(name, written.where, text)) ?? [];
}

function parseOne<N extends SettingName>(name: N, where: string, text: string): ValueOf<N> {
  try {
    return SETTINGS[name].parse(text) as ValueOf<N>;
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    const got = name === 'token' ? 'a token that cannot be sent' : `"${text}"`;
    throw new ConfigError(`${where}: got ${got}, expected ${error.message}`);
  }
}

/** What is refused says no secret of a URL or a header. */
function readForward(source: WrittenSettings): Destination[] {
  const { where = '', texts = [] } = source.get('forward') ?? {};
  try {
    return parseDestinations(texts, (key, path) => readSettingsFile(`${where}, ${key}`, path));
  } catch (error) {
    if (error instanceof BadDestination) throw new ConfigError(`${where}: ${error.message}`);
    throw error;
  }
}

function readToken(token: string | null, file: string | null): string | null {
  if (file === null) return token;
  if (token !== null)
    throw new ConfigError('--token-file: got a token by --token or SOCKEYE_TOKEN too, expected one of them');
  return parseOne(
    'token',
    `--token-file ${file}`,
    readSettingsFile('--token-file', file).toString('utf8').trim(),
  );
}

function readTls(cert: string | null, key: string | null, clientCa: string | null): TlsFiles | null {
  if (cert === null && key === null && clientCa === null) return null;
  if (cert === null)
    throw new ConfigError('--tls-cert: got no file, expected one beside the other TLS flags');
  if (key === null) throw new ConfigError('--tls-key: got no file, expected the key of --tls-cert');
  const files = {
    cert: readSettingsFile('--tls-cert', cert),
    key: readSettingsFile('--tls-key', key),
    clientCa: clientCa === null ? null : readSettingsFile('--tls-client-ca', clientCa),
  };
  try {
    createSecureContext({ cert: files.cert, key: files.key, ca: files.clientCa ?? undefined });
  } catch (error) {
    throw new ConfigError(
      `TLS files: got ${firstLine(error)}, expected PEM, and a key that fits the certificate`,
    );
  }
  return files;
}

function readSettingsFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${flag}: got ${firstLine(error)}, expected a file that can be read`);
  }
}

function warningsOf(config: Omit<Config, 'warnings'>): string[] {
  const { token, tls } = config;
  const open = portsOf(config).filter(({ host }) => !isLoopback(host));
  if (open.length === 0) return [];
  const where = open.map(formatAddress).join(', ');
  const warnings: string[] = [];
  if (token === null) {
    warnings.push(
      `anyone who reaches ${where} can read and write all traces; set --token-file, or bind to 127.0.0.1`,
    );
  } else if (tls === null) {
    warnings.push(
      `the token travels unencrypted to ${where}; set --tls-cert and --tls-key, or bind to 127.0.0.1`,
    );
  }
  return warnings;
}

function portsOf(config: Omit<Config, 'warnings'>): Address[] {
  const { otlpGrpc, otlpHttp, web, zipkin, jaegerHttp, jaegerGrpc } = config;
  return [otlpGrpc, otlpHttp, web, zipkin, jaegerHttp, jaegerGrpc].filter((port) => port !== null);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!;
}
