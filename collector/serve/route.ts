/**
 * The table that HTTP requests are matched against: each row says method, path, what it takes and gives (for
 * `/api/openapi.json`), and the function that answers. Matching is pure.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './http-error.ts';
import type { Parameter, Schema } from './schema.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** One request on its way to an answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  /** What stood for `:name` in the path, unescaped. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly nowUnixMs: number;
  /** Fires when the client goes away. */
  readonly signal: AbortSignal;
}

export interface BodyAnswer {
  readonly status?: number;
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}
/** Written piece by piece, as fast as the client takes them. */
export interface PiecesAnswer {
  readonly type: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}
/** Takes over the response, for as long as it likes. */
export interface StreamAnswer {
  readonly stream: (response: ServerResponse) => void;
}
export type Answer = BodyAnswer | PiecesAnswer | StreamAnswer;

export interface Route {
  readonly method: Method;
  /** Segments; `:name` stands for one, a `*` at the end for any number. */
  readonly path: string;
  readonly summary: string;
  /** Of the path. */
  readonly segments?: readonly Parameter[];
  /** Of the query; every other one is refused, unless it is ignored. */
  readonly query?: readonly Parameter[];
  readonly ignoresUnknown?: true;
  /** Media types that the request's body may have. */
  readonly takes?: readonly string[];
  /** Its status where all went well; 200 unless it says so. */
  readonly success?: number;
  /** Media type -> schema of the answer. */
  readonly gives: Readonly<Record<string, Schema>>;
  /** Statuses of the errors that this route has beside those of every route. */
  readonly errors?: readonly number[];
  /** What they are written as, where it is not our own form. */
  readonly errorGives?: Readonly<Record<string, Schema>>;
  /** Promised, and not there yet: it takes whatever it is asked. */
  readonly isLater?: boolean;
  /** Told of each request to it that was refused before it was handled: by the guard, or for a parameter. */
  readonly noteRefused?: () => void;
  readonly handle: (exchange: Exchange) => Answer | Promise<Answer>;
}

export function json(value: unknown): BodyAnswer {
  return { type: 'application/json', body: JSON.stringify(value) };
}

/** The path and query of a request target in origin form (`/a/b?c=d`); anything else is a 400. */
export function splitTarget(target: string): { segments: string[]; query: URLSearchParams } {
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const query = mark < 0 ? '' : target.slice(mark + 1);
  if (!path.startsWith('/')) throw malformed(target, 'a path that begins with /');
  try {
    // URLSearchParams takes broken escapes as they are, which searches for something else than was meant.
    decodeURIComponent(query);
    return { segments: path.slice(1).split('/').map(decodeURIComponent), query: new URLSearchParams(query) };
  } catch {
    throw malformed(target, '%-escapes of UTF-8');
  }
}

function malformed(target: string, expected: string): HttpError {
  return new HttpError(400, 'malformed_url', 'The URL cannot be read.', {
    got: target.slice(0, 200),
    expected,
  });
}

export type Match =
  | { readonly route: Route; readonly path: Record<string, string> }
  /** The path exists, for these methods. */
  | { readonly allow: string[] }
  | null;

/** HEAD is answered by the row for GET. */
export function matchRoute(routes: readonly Route[], method: string, segments: readonly string[]): Match {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const allow = new Set<string>();
  for (const route of routes) {
    const path = matchPath(route.path, segments);
    if (path === null) continue;
    if (route.method === wanted) return { route, path };
    allow.add(route.method);
    if (route.method === 'GET') allow.add('HEAD');
  }
  return allow.size > 0 ? { allow: [...allow, 'OPTIONS'] } : null;
}

function matchPath(pattern: string, segments: readonly string[]): Record<string, string> | null {
  const parts = pattern.slice(1).split('/');
  const open = parts.at(-1) === '*';
  if (open) parts.pop();
  if (open ? segments.length < parts.length : segments.length !== parts.length) return null;
  const path: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':') && segment !== '') path[part.slice(1)] = segment;
    else if (part !== segment) return null;
  }
  return path;
}
