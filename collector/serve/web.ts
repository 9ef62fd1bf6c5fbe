/** The web port: the page, our API, the probes; and other ports that serve routes. Their limits, their start and their end. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TlsFiles } from '../config.ts';
import { createHttpServer, openHttpPort } from '../receive/http-port.ts';
import type { Port } from '../receive/listen.ts';
import { apiRoutes } from './api/routes.ts';
import { serveRequest, type Site } from './dispatch.ts';
import { createGuard } from './guard.ts';
import { errorBody, HttpError } from './http-error.ts';
import { createLive } from './live.ts';
import { loadPage } from './page.ts';
import type { Route } from './route.ts';
import type { Sources } from './sources.ts';

/** Request line and headers together; a query or a trace state of more than this is no honest one. */
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 300_000;

export interface SiteOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Names, beside the bound address and localhost, that `Host` may give. */
  readonly names?: readonly string[];
  readonly tls: TlsFiles | null;
  readonly token: string | null;
  readonly corsOrigins: readonly string[];
}

export interface WebOptions extends SiteOptions {
  /** The built page: the folder that holds index.html. */
  readonly pageFolder: string;
}

/** Resolves when the port is bound, rejects with the system's error when it cannot be. `close` ends live streams too. */
export async function startWeb(options: WebOptions, sources: Sources): Promise<Port> {
  const live = createLive(sources);
  let page = await loadPage(options.pageFolder);
  const port = await startSite(options, apiRoutes(sources, live.route), async () => {
    // Built while the collector runs, it is found without a restart.
    if (page.size === 0) page = await loadPage(options.pageFolder);
    return page;
  });
  return {
    address: port.address,
    close() {
      live.close();
      return port.close();
    },
  };
}

/** A port that serves these routes, and a page where it has one. */
export function startSite(
  options: SiteOptions,
  routes: readonly Route[],
  readPage: Site['readPage'],
): Promise<Port> {
  const guard = createGuard({
    host: options.host,
    origins: options.corsOrigins,
    token: options.token,
    names: options.names ?? [],
  });
  const site: Site = { guard, routes, readPage };
  const handle = (request: IncomingMessage, response: ServerResponse) =>
    void serveRequest(site, request, response);

  const limits = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  };
  const server = createHttpServer(options.tls, limits, handle);
  server.on('clientError', refuseConnection);
  return openHttpPort(server, options);
}

const CONNECTION_ERRORS: Readonly<Record<string, readonly [status: number, reason: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** What is no HTTP, has too large a head, or never ends, is answered below the request handler. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, reason] = CONNECTION_ERRORS[error.code ?? ''] ?? [400, 'Bad Request'];
  const refusal = new HttpError(status, 'malformed_request', 'The request cannot be read.', {
    got: error.code ?? error.message,
    expected: `HTTP/1.1, at most ${HEADER_BYTES_MAX} bytes of request line and headers, all sent in time`,
  });
  const body = JSON.stringify(errorBody(refusal));
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
