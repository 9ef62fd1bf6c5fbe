/** The URL is the state of the page: reading a path into a view, and writing views and queries back. Pure. */
import { parseTime, RANGE_DEFAULT } from './range.ts';

export type View =
  | { readonly name: 'map' | 'timeouts' | 'search' | 'latency' | 'file' | 'unknown' }
  | { readonly name: 'incident'; readonly fingerprint: string }
  | { readonly name: 'trace'; readonly traceId: string }
  /** Of the file that is looked at. */
  | { readonly name: 'file-trace'; readonly traceId: string };

/** Query parameters, decoded; an absent one is undefined, a flag is '1'. */
export type Query = Readonly<Record<string, string>>;

export function parseView(path: string): View {
  const [first = '', second, ...rest] = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  if (rest.length > 0) return { name: 'unknown' };
  if (second !== undefined) {
    if (first === 'trace') return { name: 'trace', traceId: second.toLowerCase() };
    if (first === 'timeouts') return { name: 'incident', fingerprint: second };
    if (first === 'file') return { name: 'file-trace', traceId: second.toLowerCase() };
    return { name: 'unknown' };
  }
  if (first === '' || first === 'map') return { name: 'map' };
  if (first === 'timeouts' || first === 'search' || first === 'latency' || first === 'file')
    return { name: first };
  return { name: 'unknown' };
}

/** A hand-typed `%` must not take the page down. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function parseQuery(search: string): Query {
  return Object.fromEntries(new URLSearchParams(search));
}

/** `query` with `changes` laid over it; null and '' take a parameter out. */
export function changeQuery(query: Query, changes: Record<string, string | null>): Query {
  const merged = { ...query, ...changes };
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== ''),
  );
}

export function formatUrl(path: string, query: Query): string {
  const search = new URLSearchParams(query).toString();
  return search === '' ? path : `${path}?${search}`;
}

/** The time range, and nothing else of a query, follows from one view to the next. */
export function carryRange(query: Query): Query {
  const { from, to } = query;
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** A link to send to someone: relative times become the instants they mean now. */
export function pinTimes(path: string, query: Query, nowMs: number): string {
  if (parseView(path).name === 'trace') return formatUrl(path, changeQuery(query, { from: null, to: null }));
  const pin = (text: string) => new Date(parseTime(text, nowMs) ?? nowMs).toISOString();
  return formatUrl(path, {
    ...query,
    from: pin(query['from'] ?? RANGE_DEFAULT),
    to: pin(query['to'] ?? 'now'),
  });
}
