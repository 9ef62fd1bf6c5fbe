/** `/help`: what the collector's words mean, as pages of their own that also a terminal's link can open. */
import type { Route } from '../route.ts';
import { STYLE } from '../html.ts';
import { text } from '../schema.ts';

export function helpRoutes(): Route[] {
  return [
    {
      method: 'GET',
      path: '/help/help.css',
      summary: 'The style of the help pages',
      gives: { 'text/css': text },
      handle: () => ({
        type: 'text/css; charset=utf-8',
        body: STYLE,
        headers: { 'cache-control': 'no-cache' },
      }),
    },
  ];
}
