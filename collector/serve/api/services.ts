/** Who calls whom, and how it goes: services, their operations, the map, and the calls of one of its edges. */
import { parseInteger, parsePage, parseRange, requiredText, takePage, textParameter } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named, text } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Operations, Services } from '../wire.ts';
import { CURSOR, LIMIT, RANGE } from './parameter-docs.ts';

const HOPS_DEFAULT = 1;
const HOPS_MAX = 20;
const STEPS_DEFAULT = 60;
const STEPS_MAX = 1_000;

export function serviceRoutes({ query }: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/services',
      summary: 'Services with their calls, errors, timeouts and latency',
      query: [...RANGE, LIMIT, CURSOR],
      gives: { 'application/json': named('Services') },
      handle: async (exchange) => {
        const { services } = await query.services(parseRange(exchange.query, exchange.nowUnixMs));
        const { page, cursor } = takePage(services, parsePage(exchange.query));
        return json({ services: page, cursor } satisfies Services);
      },
    },
    {
      method: 'GET',
      path: '/api/operations',
      summary: 'Operations with their calls, errors, timeouts and latency',
      query: [
        { name: 'service', description: 'Only those of this service', schema: text },
        ...RANGE,
        LIMIT,
        CURSOR,
      ],
      gives: { 'application/json': named('Operations') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const { operations } = await query.operations(range, textParameter(exchange.query, 'service'));
        const { page, cursor } = takePage(operations, parsePage(exchange.query));
        return json({ operations: page, cursor } satisfies Operations);
      },
    },
    {
      method: 'GET',
      path: '/api/map',
      summary: 'The service map; the range is rounded outward, and the one used is in the answer',
      query: [
        ...RANGE,
        { name: 'focus', description: 'Only what is around this node', schema: text },
        {
          name: 'hops',
          description: 'How many edges away from the focus',
          schema: { type: 'integer', minimum: 0, maximum: HOPS_MAX, default: HOPS_DEFAULT },
        },
      ],
      gives: { 'application/json': named('ServiceMap') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const hops = parseInteger(exchange.query, 'hops', 0, HOPS_MAX) ?? HOPS_DEFAULT;
        return json(await query.map(range, textParameter(exchange.query, 'focus'), hops));
      },
    },
    {
      method: 'GET',
      path: '/api/map/timeline',
      summary: 'Calls, errors and timeouts of the map over time, and where a service changed its version',
      query: [
        ...RANGE,
        {
          name: 'steps',
          description: 'About so many steps of whole minutes, hours or days; the range is rounded outward',
          schema: { type: 'integer', minimum: 1, maximum: STEPS_MAX, default: STEPS_DEFAULT },
        },
      ],
      gives: { 'application/json': named('MapTimeline') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const steps = parseInteger(exchange.query, 'steps', 1, STEPS_MAX) ?? STEPS_DEFAULT;
        return json(await query.mapTimeline(range, steps));
      },
    },
    {
      method: 'GET',
      path: '/api/map/edges',
      summary: 'The edges of the map that the newest traces which match a query went along',
      query: [
        { name: 'q', description: 'Query language, as for /api/traces; required', schema: text },
        ...RANGE,
      ],
      gives: { 'application/json': named('MatchingEdges') },
      errors: [503],
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const q = requiredText(exchange.query, 'q', 'a query');
        return json(await query.matchingEdges(range, q, exchange.signal));
      },
    },
    {
      method: 'GET',
      path: '/api/calls',
      summary: 'The newest calls of an edge, at most 2,000: durations, phases, budgets',
      query: [
        { name: 'caller', description: 'The edge’s caller, as the map names it; required', schema: text },
        { name: 'callee', description: 'Its callee; required', schema: text },
        ...RANGE,
      ],
      gives: { 'application/json': named('EdgeCalls') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const caller = requiredText(exchange.query, 'caller', 'a node of the map');
        const callee = requiredText(exchange.query, 'callee', 'a node of the map');
        return json(await query.edgeCalls(range, caller, callee));
      },
    },
  ];
}
