/** A running collector, as commands ask it: its address and token by flag or environment, its answers, and its errors in words. */
import { ConfigError, readConfig } from '../config.ts';
import type { WireError } from '../serve/wire.ts';
import { printable } from './terminal.ts';
import { CannotWrite } from './write-whole.ts';

/** A collector that is there and says nothing, not a byte, is waited for so long; uploads as long as they take. */
export const SILENT_MS = 30_000;
const DEFAULT_URL = 'http://127.0.0.1:4319';
const EXIT_FAILED = 1;
const EXIT_WRONG_USE = 2;

export const COLLECTOR_FLAGS = {
  url: { type: 'string' },
  token: { type: 'string' },
  'token-file': { type: 'string' },
} as const;

export const COLLECTOR_HELP = `  --url URL                   web address of the collector, or SOCKEYE_URL (${DEFAULT_URL})
  --token TOKEN               token of the collector, or SOCKEYE_TOKEN
  --token-file FILE           the same from a file, or SOCKEYE_TOKEN_FILE
  --help                      prints this`;

/** The collector did not answer, or answered that it cannot. */
export class CollectorError extends Error {
  override readonly name = 'CollectorError';
  /** 0 where no answer came. */
  readonly status: number;
  /** The answer as it came; '' without one. */
  readonly body: string;
  constructor(message: string, status: number, body: string) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Blob | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

export interface Collector {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string | null;
  /** An answer of 200. Rejects with CollectorError. */
  ask(
    path: string,
    parameters?: Readonly<Record<string, string | undefined>>,
    asked?: Asked,
  ): Promise<Response>;
}

type CollectorValues = { readonly [Flag in keyof typeof COLLECTOR_FLAGS]?: string | undefined };

/** Throws ConfigError. */
export function findCollector(values: CollectorValues, environment: NodeJS.ProcessEnv): Collector {
  const url = readUrl(values.url, environment['SOCKEYE_URL']);
  const token = readToken(values, environment);
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  return {
    url,
    token,
    async ask(path, parameters = {}, { headers = {}, signal, ...asked } = {}) {
      const given = Object.entries(parameters).filter(
        (pair): pair is [string, string] => pair[1] !== undefined,
      );
      const query = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
      const silence = new AbortController();
      const signals = [silence.signal, ...(signal === undefined ? [] : [signal])];
      let answer: Response;
      try {
        const sent = {
          redirect: 'manual',
          duplex: 'half',
          ...asked,
          signal: AbortSignal.any(signals),
          headers: { ...authorization, ...headers },
        };
        const answered = fetch(`${url}${path}${query}`, sent as RequestInit);
        answer = await (asked.body === undefined ? unlessSilent(answered, silence) : answered);
      } catch (error) {
        throw new CollectorError(sayUnreachable(url, error), 0, '');
      }
      const type = answer.headers.get('content-type') ?? 'no content type';
      if (answer.status === 200 && type.startsWith('application/json')) return answer;
      const body = await readText(answer).catch(() => '');
      throw new CollectorError(sayRefusal(url, answer.status, type, body), answer.status, body);
    },
  };
}

/** The whole body as text. Rejects with CollectorError when it breaks off. */
export async function readText(answer: Response): Promise<string> {
  return (await readBytes(answer)).toString();
}

export async function readBytes(answer: Response): Promise<Buffer> {
  if (answer.body === null) return Buffer.alloc(0);
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  try {
    for (;;) {
      const chunk = await unlessSilent(reader.read());
      if (chunk.done) return Buffer.concat(chunks);
      chunks.push(chunk.value);
    }
  } catch (error) {
    void reader.cancel().catch(() => {});
    const got = `an answer that broke off (${reasonOf(error)})`;
    throw new CollectorError(`${answer.url}: got ${got}, expected all of it; try again`, 0, '');
  }
}

/** Rejects, and aborts, when nothing came in that time. */
async function unlessSilent<Answer>(answer: Promise<Answer>, asked?: AbortController): Promise<Answer> {
  const silent = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    silent.reject(new Error(`nothing for ${SILENT_MS / 1000} s`));
    asked?.abort();
  }, SILENT_MS);
  try {
    return await Promise.race([answer, silent.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** An answer for people: nothing in it moves the cursor of a terminal, whoever wrote it. */
export function parsePrintable<Shape>(text: string): Shape {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? printable(value) : value,
  ) as Shape;
}

/** What a command ends with that could not do its work; what no command foresaw is thrown on. */
export function exitOf(command: string, error: unknown): number {
  if (error instanceof ConfigError) {
    console.error(`sockeye: ${error.message}`);
    return EXIT_WRONG_USE;
  }
  if (error instanceof CannotWrite) {
    console.error(`sockeye: ${command}: ${printable(error.message)}`);
    return EXIT_FAILED;
  }
  if (!(error instanceof CollectorError)) throw error;
  console.error(`sockeye: ${command}: ${error.message}`);
  return error.status === 400 ? EXIT_WRONG_USE : EXIT_FAILED;
}

function readUrl(flag: string | undefined, variable: string | undefined): string {
  const where = flag === undefined ? 'SOCKEYE_URL' : '--url';
  const text = flag ?? (variable || DEFAULT_URL);
  const url = URL.canParse(text) ? new URL(text) : null;
  const isUsable =
    url !== null && /^https?:$/.test(url.protocol) && `${url.search}${url.hash}${url.username}` === '';
  if (!isUsable) {
    const expected = `the web address of a collector, such as ${DEFAULT_URL} or https://sockeye.internal:4319`;
    throw new ConfigError(`${where}: got "${printable(text)}", expected ${expected}`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** As the collector reads its own; its other settings are none of ours. */
function readToken(values: CollectorValues, environment: NodeJS.ProcessEnv): string | null {
  const { SOCKEYE_TOKEN, SOCKEYE_TOKEN_FILE } = environment;
  const flags = (['token', 'token-file'] as const).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}=${values[name]}`],
  );
  // A flag beats the environment, whichever of the two it is.
  return readConfig(flags, flags.length > 0 ? {} : { SOCKEYE_TOKEN, SOCKEYE_TOKEN_FILE }).token;
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: Error & { code?: string } };
  return cause?.code ?? (cause?.message || message);
}

function sayUnreachable(url: string, error: unknown): string {
  const reason = reasonOf(error);
  if (reason === 'ECONNREFUSED') {
    return `got a refused connection at ${url}, expected a running collector
  start one:      sockeye serve    (in a clone of the repository: npm start)
  one elsewhere:  --url URL or SOCKEYE_URL`;
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH/.test(reason))
    return `got an answer without TLS at ${url}, expected a running collector; without TLS its address begins with http:`;
  if (/CERT|SIGNED|TLS|SSL|ISSUER/.test(reason)) {
    const ca = 'for a certificate of your own set NODE_EXTRA_CA_CERTS to its file or that of its CA';
    return `got ${reason} at ${url}, expected a certificate that is trusted here and is for this name; ${ca}`;
  }
  if (/SOCKET|ECONNRESET/.test(reason) && url.startsWith('http:')) {
    return `got a connection that was closed at ${url}, expected a running collector; with TLS its address begins with https:`;
  }
  return `got ${reason} at ${url}, expected a running collector; its web address is given by --url or SOCKEYE_URL`;
}

function sayRefusal(url: string, status: number, type: string, body: string): string {
  const error = readError(body);
  if (error === null) {
    return `got status ${status} with ${printable(type)} from ${url}, expected the API of a collector: is this its web address, by default on port 4319?`;
  }
  const { message, got, expected, position } = error;
  const at = position === undefined ? '' : ` at character ${position + 1}`;
  const hint = status === 401 ? '; give it by --token-file FILE or SOCKEYE_TOKEN' : '';
  // Errors of the collector's stages say all of it in their message.
  const details = message.includes('expected')
    ? ''
    : ` Got ${got ?? 'it'}${at}, expected ${expected ?? 'another'}`;
  return printable(`${message}${details}${hint}`);
}

function readError(body: string): WireError['error'] | null {
  try {
    const { error } = JSON.parse(body) as Partial<WireError>;
    return typeof error?.message === 'string' ? error : null;
  } catch {
    return null;
  }
}
