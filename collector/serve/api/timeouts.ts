/** Give-ups of one kind on one edge in one phase, together: incidents. */
import { notFound } from '../http-error.ts';
import { parseChoice, parsePage, parseRange, takePage } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named, words } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Incident, Incidents } from '../wire.ts';
import { GIVE_UP_KINDS } from '../wire-schemas.ts';
import { CURSOR, FINGERPRINT, LIMIT, RANGE } from './parameter-docs.ts';

const STATES: readonly Incident['state'][] = ['new', 'ongoing', 'resolved'];

export function timeoutRoutes({ query }: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/timeouts',
      summary: 'Incidents: give-ups that share origin edge, phase and kind',
      query: [
        { name: 'state', description: 'Only incidents in this state', schema: words(...STATES) },
        { name: 'kind', description: 'Only give-ups of this kind', schema: words(...GIVE_UP_KINDS) },
        {
          name: 'compare',
          description: 'false leaves `shared` and `differs` empty, for which the spans of calls are read',
          schema: words('true', 'false'),
        },
        ...RANGE,
        LIMIT,
        CURSOR,
      ],
      gives: { 'application/json': named('Incidents') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const state = parseChoice(exchange.query, 'state', STATES);
        const kind = parseChoice(exchange.query, 'kind', GIVE_UP_KINDS);
        const areCompared = parseChoice(exchange.query, 'compare', ['true', 'false']) !== 'false';
        const bounds = parsePage(exchange.query);
        const answer = await query.incidents(range, state, kind, areCompared);
        const { page, cursor } = takePage(answer.incidents, bounds);
        return json({ ...answer, incidents: page, cursor } satisfies Incidents);
      },
    },
    {
      method: 'GET',
      path: '/api/timeouts/:fingerprint',
      summary: 'One incident',
      segments: [FINGERPRINT],
      query: RANGE,
      gives: { 'application/json': named('Incident') },
      errors: [404],
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const fingerprint = exchange.path.fingerprint ?? '';
        const incident = await query.incident(range, fingerprint);
        if (incident === null) {
          throw notFound('incident', fingerprint, 'the fingerprint of an incident in this range');
        }
        return json(incident);
      },
    },
  ];
}
