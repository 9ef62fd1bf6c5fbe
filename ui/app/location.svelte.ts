/** Where the page is: the browser's URL as reactive state, and the only place that writes history. */
import { carryRange, changeQuery, formatUrl, parseQuery, parseView, type Query } from './route.ts';

let current = $state.raw({ path: window.location.pathname, query: parseQuery(window.location.search) });

/** The path of the view that was shown before this one; null of the first. */
let earlierPath: string | null = null;
let isLeaving = false;

function read(): void {
  isLeaving = false;
  if (window.location.pathname !== current.path) earlierPath = current.path;
  current = { path: window.location.pathname, query: parseQuery(window.location.search) };
}

/** How many entries of the history lie between here and the view that led here; 0 where an address did. */
const stepsHere = (): number => Number((window.history.state as { steps?: number } | null)?.steps ?? 0);

function push(url: string): void {
  const isSameView = new URL(url, window.location.href).pathname === window.location.pathname;
  // What is asked for anew in a view that an address led to leads back to no other view either.
  const steps = isSameView ? stepsHere() && stepsHere() + 1 : 1;
  window.history.pushState({ steps }, '', url);
}
window.addEventListener('popstate', read);

export const place = {
  get path(): string {
    return current.path;
  },
  get query(): Query {
    return current.query;
  },
  get view() {
    return parseView(current.path);
  },
  get earlierView() {
    return earlierPath === null ? null : parseView(earlierPath);
  },
};

/** Goes to another view; the time range comes along, and other parameters only as given. */
export function go(path: string, query: Query = {}): void {
  const url = hrefOf(path, query);
  if (url !== window.location.pathname + window.location.search) push(url);
  read();
}

/** Back to the view that led here, as it was; where an address did, to `path`. */
export function leave(path: string): void {
  const steps = stepsHere();
  if (steps === 0) go(path);
  // It comes a moment later, and a key that is held down must not go back twice.
  else if (!isLeaving) window.history.go(-steps);
  isLeaving = steps > 0;
}

export function hrefOf(path: string, query: Query = {}): string {
  return formatUrl(path, { ...carryRange(current.query), ...query });
}

/**
 * Changes parameters of this view. Selections replace the history entry, so that "back" leaves the view;
 * changes of what is asked for (range, query) push one.
 */
export function setQuery(
  changes: Record<string, string | null>,
  history: 'push' | 'replace' = 'replace',
): void {
  const url = formatUrl(current.path, changeQuery(current.query, changes));
  if (url === window.location.pathname + window.location.search) return;
  if (history === 'push') push(url);
  else window.history.replaceState(window.history.state, '', url);
  read();
}

/** Follows clicks on the page's own links without loading the page again. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest('a');
  if (!link || link.target !== '' || link.hasAttribute('download')) return;
  const url = new URL(link.href, window.location.href);
  if (url.origin !== window.location.origin || /^\/(api|help|metrics)\b/.test(url.pathname)) return;
  event.preventDefault();
  push(url.pathname + url.search);
  read();
}
