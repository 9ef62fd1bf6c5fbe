/** Pins: a pinned trace is kept past retention, until it is let go. */
import { HttpError, notFound } from '../http-error.ts';
import { parseTraceId } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { TRACE_ID } from './parameter-docs.ts';

const PATH = '/api/traces/:id/pin';
const gives = { 'application/json': named('TracePin') };

export function pinRoutes({ store }: Sources): Route[] {
  return [
    {
      method: 'PUT',
      path: PATH,
      summary: 'Keep a trace past retention',
      segments: [TRACE_ID],
      gives,
      errors: [404, 429, 503],
      handle: async ({ path }) => {
        const traceId = parseTraceId(path.id ?? '');
        const outcome = await store.pinTrace(traceId);
        if (outcome === 'unknown') throw notFound('trace', traceId, 'the id of a stored trace');
        if (outcome === 'full') {
          throw new HttpError(429, 'too_many_pins', 'As many traces are pinned as may be.', {
            got: 'another one',
            expected: 'that one that is not needed any more is let go first',
          });
        }
        return json({ traceId, pinned: true });
      },
    },
    {
      method: 'DELETE',
      path: PATH,
      summary: 'Let retention have a trace',
      segments: [TRACE_ID],
      gives,
      errors: [503],
      handle: async ({ path }) => {
        const traceId = parseTraceId(path.id ?? '');
        await store.unpinTrace(traceId);
        return json({ traceId, pinned: false });
      },
    },
  ];
}
