/** Routes that are promised and not there yet: they say so, so that nobody takes a 404 for a misspelling. */
import { notAvailableYet } from '../http-error.ts';
import type { Method, Route } from '../route.ts';
import type { Parameter } from '../schema.ts';

const METHODS: readonly Method[] = ['GET', 'POST', 'PUT', 'DELETE'];

export const LATER_ROUTES: readonly Route[] = METHODS.map((method) =>
  later(method, '/mcp', 'The MCP server for assistants'),
);

function later(method: Method, path: string, summary: string, ...segments: Parameter[]): Route {
  return {
    method,
    path,
    summary: `${summary} (not available yet)`,
    segments,
    gives: {},
    errors: [501],
    isLater: true,
    handle: () => {
      throw notAvailableYet(summary);
    },
  };
}
