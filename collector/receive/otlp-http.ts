/**
 * OTLP over HTTP: `POST /v1/traces` in protobuf or JSON; `/v1/metrics` and `/v1/logs` are accepted, and mostly dropped.
 *
 * An answer speaks the encoding of its request, a failure is a google.rpc.Status. The same guard as on the web port
 * stands in front: a page of another site must not be able to send spans through somebody's browser.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TlsFiles } from '../config.ts';
import { checkJsonSize } from '../decode/json-size.ts';
import {
  encodeMessage,
  hostMetricsFromJson,
  logsFromJson,
  metricsFromJson,
  tracesFromJson,
} from '../decode/otlp-json.ts';
import { EXPORT_TRACE_RESPONSE, RPC_STATUS, type MessageSchema } from '../decode/otlp-schema.ts';
import { Cancelled } from '../store/store.ts';
import { corsHeaders, isPreflight, refuseRequest, type Guard } from '../serve/guard.ts';
import { createHttpServer, openHttpPort } from './http-port.ts';
import type { Intake } from './intake.ts';
import type { Port } from './listen.ts';
import { CODE, failureOf, rpcStatus, traceResponse, type Failure } from './otlp-answer.ts';
import { BodyTooLarge, readBody, UnknownEncoding } from './read-body.ts';

type Encoding = 'protobuf' | 'json';

const MEDIA_TYPES: Record<Encoding, string> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};
const SIGNALS: Readonly<Record<string, 'traces' | 'metrics' | 'logs'>> = {
  '/v1/traces': 'traces',
  '/v1/metrics': 'metrics',
  '/v1/logs': 'logs',
};
/** JSON is text: what of it is none cannot be kept as it was. */
const NOT_UTF8 = 'the body is not UTF-8: stored with U+FFFD where it is not';

export interface OtlpHttpOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly intake: Intake;
  readonly guard: Guard;
  readonly tls: TlsFiles | null;
  readonly maxRequestBytes: number;
  readonly log: (line: string) => void;
}

/** Rejects with the system's error when the address cannot be bound. */
export function startOtlpHttp(options: OtlpHttpOptions): Promise<Port> {
  const server = createHttpServer(
    options.tls,
    {},
    (request, response) => void serve(options, request, response),
  );
  return openHttpPort(server, options);
}

async function serve(
  options: OtlpHttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const encoding = encodingOf(request.headers['content-type']);
  const spoken = encoding ?? 'json';
  for (const [name, value] of Object.entries(corsHeaders(options.guard, request.headers))) {
    response.setHeader(name, value);
  }
  const refused = refusal(options.guard, request, encoding);
  if (refused !== null) {
    request.resume();
    options.intake.noteRefused();
    return sendFailure(response, spoken, refused);
  }
  if (isPreflight(request.method ?? '', request.headers)) return void response.writeHead(204).end();
  try {
    const answer = await receive(options, request, spoken);
    send(response, 200, spoken, EXPORT_TRACE_RESPONSE, answer);
  } catch (error) {
    if (error instanceof Cancelled) return;
    const failed = bodyFailureOf(error);
    if (failed.retryDelayS === null) options.intake.noteRefused();
    if (failed.code === CODE.internal) options.log(`OTLP HTTP: ${(error as Error).stack ?? String(error)}`);
    sendFailure(response, spoken, failed);
  }
}

/** Takes the request's body to where it belongs, and gives the JSON form of the answer. */
async function receive(
  { intake, maxRequestBytes }: OtlpHttpOptions,
  request: IncomingMessage,
  encoding: Encoding,
): Promise<object> {
  const body = await readBody(request, maxRequestBytes, intake);
  const signal = SIGNALS[pathOf(request)]!;
  const bytesBy = (fromJson: (text: string, bytesMax?: number) => Buffer): Buffer => {
    if (encoding === 'protobuf') return body;
    checkJsonSize(body);
    return fromJson(body.toString(), maxRequestBytes);
  };
  if (signal === 'logs') {
    await intake.acceptLogs(() => bytesBy(logsFromJson));
    return {};
  }
  if (signal === 'metrics') {
    await intake.acceptMetrics(bytesBy(intake.forwards('metrics') ? metricsFromJson : hostMetricsFromJson));
    return {};
  }
  if (encoding === 'protobuf') return traceResponse(await intake.accept(body));
  const outcome = await intake.accept(bytesBy(tracesFromJson));
  return traceResponse(isUtf8(body) ? outcome : { ...outcome, warning: NOT_UTF8 });
}

/** Why a request is refused before its body is read, or null. */
function refusal(guard: Guard, request: IncomingMessage, encoding: Encoding | null): Failure | null {
  const method = request.method ?? '';
  const refused = refuseRequest(guard, method, request.headers);
  if (refused !== null) {
    const message = `${refused.message} Got ${refused.got}, expected ${refused.expected}.`;
    const code = refused.status === 401 ? CODE.unauthenticated : CODE.permissionDenied;
    return failure(code, refused.status, message);
  }
  if (isPreflight(method, request.headers)) return null;
  const path = pathOf(request);
  if (!Object.hasOwn(SIGNALS, path)) {
    return failure(CODE.notFound, 404, `path: got ${path}, expected ${Object.keys(SIGNALS).join(', ')}`);
  }
  if (method !== 'POST') return failure(CODE.unimplemented, 405, `method: got ${method}, expected POST`);
  if (encoding === null) {
    const got = request.headers['content-type'] ?? 'none';
    const expected = Object.values(MEDIA_TYPES).join(' or ');
    return failure(CODE.invalidArgument, 415, `content type: got ${got}, expected ${expected}`);
  }
  return null;
}

function failure(code: number, httpStatus: number, message: string): Failure {
  return { code, httpStatus, message, retryDelayS: null };
}

function bodyFailureOf(error: unknown): Failure {
  if (error instanceof BodyTooLarge) return failure(CODE.resourceExhausted, 413, error.message);
  if (error instanceof UnknownEncoding) return failure(CODE.invalidArgument, 415, error.message);
  return failureOf(error);
}

function sendFailure(response: ServerResponse, encoding: Encoding, failed: Failure): void {
  const { httpStatus, retryDelayS } = failed;
  if (retryDelayS !== null) response.setHeader('retry-after', String(retryDelayS));
  if (httpStatus === 405) response.setHeader('allow', 'POST, OPTIONS');
  if (httpStatus === 401) response.setHeader('www-authenticate', 'Bearer');
  send(response, httpStatus, encoding, RPC_STATUS, rpcStatus(failed));
}

function send(
  response: ServerResponse,
  status: number,
  encoding: Encoding,
  schema: MessageSchema,
  message: object,
): void {
  const body = encoding === 'json' ? JSON.stringify(message) : encodeMessage(schema, message);
  response.writeHead(status, {
    'content-type': MEDIA_TYPES[encoding],
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!;
}

/** Media types are case-insensitive and may carry parameters (`; charset=utf-8`). */
function encodingOf(contentType: string | undefined): Encoding | null {
  const mediaType = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (mediaType === MEDIA_TYPES.json) return 'json';
  return mediaType === MEDIA_TYPES.protobuf || mediaType === 'application/protobuf' ? 'protobuf' : null;
}
