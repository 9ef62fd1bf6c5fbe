/** Where the page is: the browser's URL as reactive state, and the only place that writes history. */
import { carryRange, changeQuery, formatUrl, parseQuery, parseView, type Query } from './route.ts';

let current = $state.raw({ path: window.location.pathname, query: parseQuery(window.location.search) });

function read(): void {
  current = { path: window.location.pathname, query: parseQuery(window.location.search) };
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
};

/** Goes to another view; the time range comes along, and other parameters only as given. */
export function go(path: string, query: Query = {}): void {
  const url = hrefOf(path, query);
  if (url !== window.location.pathname + window.location.search) window.history.pushState(null, '', url);
  read();
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
  if (history === 'push') window.history.pushState(null, '', url);
  else window.history.replaceState(null, '', url);
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
  window.history.pushState(null, '', url.pathname + url.search);
  read();
}
