/**
 * The web port: the page, our API, the probes. Each request passes, in this order: the URL, the guard, the route
 * table, the page's files; what fails answers with one error shape.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsFiles } from '../config.ts';
import { apiRoutes } from './api/routes.ts';
import { corsHeaders, createGuard, isPreflight, refuseRequest, type Guard } from './guard.ts';
import { errorBody, HttpError, notFound, toHttpError } from './http-error.ts';
import { createLive } from './live.ts';
import { answerFile, isPagePath, loadPage, type Page } from './page.ts';
import { MISSING_PAGE } from './html.ts';
import { refuseUnknownParameters } from './parameters.ts';
import { matchRoute, splitTarget, type Answer, type BodyAnswer, type Route } from './route.ts';
import type { Sources } from './sources.ts';

/** Request line and headers together; a query or a trace state of more than this is no honest one. */
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 300_000;
/** How long answers that are being sent may take after `close()` was called. */
const CLOSE_TIMEOUT_MS = 2000;

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface WebOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Names, beside the bound address and localhost, that `Host` may give. */
  readonly names?: readonly string[];
  readonly tls: TlsFiles | null;
  readonly token: string | null;
  readonly corsOrigins: readonly string[];
  /** The built page: the folder that holds index.html. */
  readonly pageFolder: string;
}

export interface Web {
  /** `127.0.0.1:4319`, with the port that was bound. */
  readonly address: string;
  /** Lets answers on their way finish, ends live streams, then closes. */
  close(): Promise<void>;
}

/** Resolves when the port is bound; rejects with the system's error (EADDRINUSE, EACCES, …) when it cannot be. */
export async function startWeb(options: WebOptions, sources: Sources): Promise<Web> {
  const guard = createGuard({
    host: options.host,
    origins: options.corsOrigins,
    token: options.token,
    names: options.names ?? [],
  });
  const live = createLive(sources);
  const routes = apiRoutes(sources, live.route);
  let page = await loadPage(options.pageFolder);
  const readPage = async () => {
    // Built while the collector runs, it is found without a restart.
    if (page.size === 0) page = await loadPage(options.pageFolder);
    return page;
  };
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void serveRequest(guard, routes, readPage, request, response);

  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  };
  const server = options.tls
    ? createTlsServer({ ...limits, ...tlsOptions(options.tls) }, handle)
    : createServer(limits, handle);
  server.on('clientError', refuseConnection);
  await listen(server, options.host, options.port);
  return {
    address: addressOf(server),
    close: async () => {
      live.close();
      await close(server);
    },
  };
}

async function serveRequest(
  guard: Guard,
  routes: readonly Route[],
  readPage: () => Promise<Page>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const controller = new AbortController();
  response.on('close', () => controller.abort());
  for (const [name, value] of Object.entries({
    ...SECURITY_HEADERS,
    ...corsHeaders(guard, request.headers),
  })) {
    response.setHeader(name, value);
  }
  try {
    const answer = await answerRequest(guard, routes, readPage, request, controller.signal);
    if ('stream' in answer && request.method !== 'HEAD') answer.stream(response);
    else sendBody(response, 'stream' in answer ? { type: 'text/event-stream', body: '' } : answer);
  } catch (error) {
    const httpError = toHttpError(error);
    if (httpError.status === 500) console.error(`${request.method} ${request.url}:`, error);
    sendError(response, httpError);
  }
}

async function answerRequest(
  guard: Guard,
  routes: readonly Route[],
  readPage: () => Promise<Page>,
  request: IncomingMessage,
  signal: AbortSignal,
): Promise<Answer> {
  const method = request.method ?? '';
  const refusal = refuseRequest(guard, method, request.headers);
  if (refusal !== null) {
    const { status, code, message, got, expected } = refusal;
    throw new HttpError(status, code, message, { got, expected });
  }
  const { segments, query } = splitTarget(request.url ?? '');
  if (isPreflight(method, request.headers)) return { status: 204, type: '', body: '' };
  const match = matchRoute(routes, method, segments);
  if (match !== null && 'route' in match) {
    const { route, path } = match;
    if (!route.isLater) refuseUnknownParameters(query, route.query?.map(({ name }) => name) ?? []);
    return route.handle({ request, path, query, nowUnixMs: Date.now(), signal });
  }
  const path = `/${segments.join('/')}`;
  const isPage = isPagePath(path) || (await readPage()).has(path);
  const allow = match?.allow ?? (isPage ? ['GET', 'HEAD', 'OPTIONS'] : null);
  if (allow === null) throw notFound('route', path, 'a route of /api/openapi.json or a view of the page');
  if (method === 'OPTIONS') return { status: 204, type: '', body: '', headers: { allow: allow.join(', ') } };
  if (!allow.includes(method)) {
    throw new HttpError(405, 'method_not_allowed', `${path} has no ${method}.`, {
      got: method,
      expected: allow.join(', '),
    });
  }
  const page = await readPage();
  const file = page.get(isPagePath(path) ? '/index.html' : path);
  if (file === undefined) {
    return { status: 503, type: 'text/html; charset=utf-8', body: MISSING_PAGE };
  }
  return answerFile(file, request.headers);
}

function sendBody(response: ServerResponse, answer: BodyAnswer): void {
  if (response.destroyed) return;
  const { status = 200, type, body, headers = {} } = answer;
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    'cache-control': 'no-store',
    ...(hasBody && { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(hasBody ? body : undefined);
}

function sendError(response: ServerResponse, error: HttpError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers: Record<string, string> = {};
  if (error.status === 401)
    headers['www-authenticate'] = 'Bearer, Basic realm="Sockeye: any name, the token as password"';
  if (error.status === 405) headers['allow'] = error.details.expected;
  if (error.status === 429 || error.status === 503) headers['retry-after'] = '1';
  // What was not read of a refused body would be taken for the next request.
  if (error.status === 413) headers['connection'] = 'close';
  sendBody(response, {
    status: error.status,
    type: 'application/json',
    body: JSON.stringify(errorBody(error)),
    headers,
  });
}

/** What is no HTTP at all, or has too large a head, is answered below the request handler. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const status = isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
  const body = JSON.stringify(
    errorBody(
      new HttpError(isTooLarge ? 431 : 400, 'malformed_request', 'The request cannot be read as HTTP.', {
        got: error.code ?? error.message,
        expected: `HTTP/1.1 with at most ${HEADER_BYTES_MAX} bytes of request line and headers`,
      }),
    ),
  );
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** With a client CA, only clients with a certificate of it may connect. */
function tlsOptions({ cert, key, clientCa }: TlsFiles) {
  return clientCa === null ? { cert, key } : { cert, key, ca: clientCa, requestCert: true };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const timer = setTimeout(() => server.closeAllConnections(), CLOSE_TIMEOUT_MS);
  server.closeIdleConnections();
  await closed;
  clearTimeout(timer);
}
