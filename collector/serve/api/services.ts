/** Who calls whom, and how it goes: services, their operations, and the map. */
import { parseInteger, parsePage, parseRange, takePage, textParameter } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named, text } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Operations, Services } from '../wire.ts';
import { CURSOR, LIMIT, RANGE } from './parameter-docs.ts';

const HOPS_DEFAULT = 1;
const HOPS_MAX = 20;

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
  ];
}
