/** The environment that a program is run in, so that the hook is loaded and sends to a collector. Pure. */
import type { Status } from '../serve/wire.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Hooked {
  /** The file that `--require` loads. */
  readonly hook: string;
  /** null where the program's environment has one. */
  readonly endpoint: string | null;
  readonly service: string | null;
  readonly token: string | null;
}

/** What is set already stays, but for a service that is named by a flag. */
export function hookedEnvironment(environment: Environment, { hook, endpoint, service, token }: Hooked) {
  const hasHeaders = isSet(environment, 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS');
  return {
    ...environment,
    NODE_OPTIONS: withHook(environment['NODE_OPTIONS'] ?? '', hook),
    ...(service !== null && { OTEL_SERVICE_NAME: service }),
    ...(endpoint !== null && { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
    // Only the collector that it belongs to is given the token.
    ...(endpoint !== null &&
      token !== null &&
      !hasHeaders && {
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${token}`)}`,
      }),
  };
}

/** The variable that says where spans go; null where none does. */
export function namesEndpoint(environment: Environment): string | null {
  const names = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
  return names.find((name) => isSet(environment, name)) ?? null;
}

/** An address that only the collector's machine has, where the collector is asked by another name. */
export function isBeyondReach(endpoint: string, collectorUrl: string): boolean {
  return isLoopback(endpoint) && !isLoopback(collectorUrl);
}

function isLoopback(url: string): boolean {
  return /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname);
}

/** For the protocol that the program's environment names; the usual ports where there are no `addresses`. */
export function otlpEndpoint(
  addresses: Status['addresses'] | null,
  collectorUrl: string,
  environment: Environment,
): string {
  const protocol =
    environment['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || environment['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'grpc';
  const isGrpc = protocol.trim() === 'grpc';
  const { protocol: scheme, hostname } = new URL(collectorUrl);
  const usual = `${hostname}:${isGrpc ? 4317 : 4318}`;
  const address = (isGrpc ? addresses?.otlpGrpc : addresses?.otlpHttp) ?? usual;
  // What listens everywhere is reached where its page is.
  return `${scheme}//${address.replace(/^(?:0\.0\.0\.0|\[::\]):/, `${hostname}:`)}`;
}

/** Node reads it as words; in quotes a word may have blanks. */
function withHook(options: string, hook: string): string {
  if (options.includes(hook)) return options;
  const word = /[\s"\\]/.test(hook) ? `"${hook.replace(/["\\]/g, '\\$&')}"` : hook;
  return `${options} --require ${word}`.trim();
}

function isSet(environment: Environment, ...names: readonly string[]): boolean {
  return names.some((name) => (environment[name] ?? '').trim() !== '');
}
