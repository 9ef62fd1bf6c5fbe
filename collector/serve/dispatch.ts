/**
 * One HTTP request to the web port, from its head to the last byte of its answer. It passes, in this order: the guard,
 * the URL, the route table, the page's files. What fails answers with one error shape.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { corsHeaders, isPreflight, refuseRequest, type Guard } from './guard.ts';
import { MISSING_PAGE } from './html.ts';
import { clip, errorBody, HttpError, notFound, toHttpError } from './http-error.ts';
import { answerFile, isPagePath, movedPagePath, type Page } from './page.ts';
import { refuseUnknownParameters } from './parameters.ts';
import {
  matchRoute,
  splitTarget,
  type Answer,
  type BodyAnswer,
  type PiecesAnswer,
  type Route,
} from './route.ts';
import { cutOffSlowClient, slicesOf, WRITE_BYTES } from './slow-client.ts';

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** What every request to one port is answered from. */
export interface Site {
  readonly guard: Guard;
  readonly routes: readonly Route[];
  /** null where there is no page. */
  readonly readPage: (() => Promise<Page>) | null;
}

/** Never rejects. */
export async function serveRequest(
  site: Site,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const controller = new AbortController();
  // Not of one that has its answer: nobody waits for it, and the error that comes with it costs more than many an answer.
  response.on('close', () => {
    if (!response.writableFinished) controller.abort();
  });
  const headers = { ...SECURITY_HEADERS, ...corsHeaders(site.guard, request.headers) };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  try {
    const answer = await answerRequest(site, request, controller.signal);
    if ('pieces' in answer) {
      await sendPieces(request, response, answer);
      // Nobody takes them.
      if (request.method === 'HEAD') controller.abort();
    } else if ('stream' in answer && request.method !== 'HEAD') answer.stream(response);
    else await sendBody(response, 'stream' in answer ? { type: 'text/event-stream', body: '' } : answer);
  } catch (error) {
    const httpError = toHttpError(error);
    if (httpError.status === 500) console.error(`${request.method} ${clip(request.url ?? '')}:`, error);
    await sendError(response, httpError);
  }
}

async function answerRequest(site: Site, request: IncomingMessage, signal: AbortSignal): Promise<Answer> {
  const method = request.method ?? '';
  const refusal = refuseRequest(site.guard, method, request.headers);
  if (refusal !== null) {
    noteRefused(site, method, request.url ?? '');
    const { status, code, message, got, expected } = refusal;
    throw new HttpError(status, code, message, { got, expected });
  }
  const { segments, query } = readTarget(site, method, request.url ?? '');
  if (isPreflight(method, request.headers)) return { status: 204, type: '', body: '' };
  const match = matchRoute(site.routes, method, segments);
  if (match !== null && 'route' in match) {
    const { route, path } = match;
    if (!route.isLater && !route.ignoresUnknown) checkParameters(route, query);
    return route.handle({ request, path, query, nowUnixMs: Date.now(), signal });
  }
  const path = `/${segments.join('/')}`;
  const page = (await site.readPage?.()) ?? null;
  const moved = page !== null && match === null ? movedPagePath(segments) : null;
  const isPage = page !== null && (isPagePath(path) || page.has(path) || moved !== null);
  const allow = match?.allow ?? (isPage ? ['GET', 'HEAD', 'OPTIONS'] : null);
  if (allow === null) throw notFound('route', path, 'a route of /api/openapi.json or a view of the page');
  if (method === 'OPTIONS') return { status: 204, type: '', body: '', headers: { allow: allow.join(', ') } };
  if (!allow.includes(method)) {
    const details = { got: method, expected: allow.join(', ') };
    throw new HttpError(405, 'method_not_allowed', `${path} has no ${method}.`, details);
  }
  if (moved !== null) {
    const location = query.size === 0 ? moved : `${moved}?${query}`;
    return { status: 308, type: 'text/plain; charset=utf-8', body: location, headers: { location } };
  }
  const file = page?.get(isPagePath(path) ? '/index.html' : path);
  if (file !== undefined) return answerFile(file, request.headers);
  return { status: 503, type: 'text/html; charset=utf-8', body: MISSING_PAGE };
}

function readTarget(site: Site, method: string, target: string): ReturnType<typeof splitTarget> {
  try {
    return splitTarget(target);
  } catch (error) {
    noteRefused(site, method, target);
    throw error;
  }
}

/** Of a request that went to no route: its path is taken as it stands, as it may be what cannot be read. */
function noteRefused(site: Site, method: string, target: string): void {
  const [path = ''] = target.split('?', 1);
  const match = matchRoute(site.routes, method, path.slice(1).split('/'));
  if (match !== null && 'route' in match) match.route.noteRefused?.();
}

function checkParameters(route: Route, query: URLSearchParams): void {
  try {
    refuseUnknownParameters(query, route.query?.map(({ name }) => name) ?? []);
  } catch (error) {
    route.noteRefused?.();
    throw error;
  }
}

async function sendBody(response: ServerResponse, answer: BodyAnswer): Promise<void> {
  if (response.destroyed) return;
  const { status = 200, type, headers = {} } = answer;
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
  const hasBody = status !== 204 && status !== 304;
  response.writeHead(status, {
    'cache-control': 'no-store',
    ...(hasBody && { 'content-type': type, 'content-length': body.length }),
    ...headers,
  });
  if (hasBody && body.length > WRITE_BYTES) return writePieces(response, slicesOf(body));
  response.end(hasBody ? body : undefined);
  // What the kernel has not taken is kept until the client takes it.
  if (response.writableLength > 0) response.once('close', cutOffSlowClient(response));
}

async function sendPieces(
  { method }: IncomingMessage,
  response: ServerResponse,
  { type, pieces }: PiecesAnswer,
): Promise<void> {
  if (response.destroyed) return;
  response.writeHead(200, { 'cache-control': 'no-store', 'content-type': type });
  if (method === 'HEAD') response.end();
  else await writePieces(response, pieces);
}

/** A failure between two pieces breaks the connection off: what came is not taken for all of it. */
async function writePieces(
  response: ServerResponse,
  pieces: PiecesAnswer['pieces'] | Iterable<Uint8Array>,
): Promise<void> {
  const stopWatching = cutOffSlowClient(response);
  try {
    await pipeline(pieces, response);
  } catch (error) {
    // That the client left is no fault.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  } finally {
    stopWatching();
  }
}

async function sendError(response: ServerResponse, error: HttpError): Promise<void> {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const headers: Record<string, string> = {};
  if (error.status === 401)
    headers['www-authenticate'] = 'Bearer, Basic realm="Sockeye: any name, the token as password"';
  if (error.status === 405) headers['allow'] = error.details.expected;
  if (error.status === 429 || error.status === 503) headers['retry-after'] = '1';
  await sendBody(response, {
    status: error.status,
    type: 'application/json',
    body: JSON.stringify(errorBody(error)),
    headers,
  });
}
