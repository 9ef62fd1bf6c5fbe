/** Names and values of attributes with their counts: what a search box completes from. */
import { parseLimit, parseRange } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named, text, type Parameter } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { LIMIT, RANGE } from './parameter-docs.ts';

const PREFIX: Parameter = { name: 'prefix', description: 'Only those that begin with this', schema: text };

export function attributeRoutes({ query }: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/attributes',
      summary: 'Names of attributes, most frequent first',
      query: [PREFIX, ...RANGE, LIMIT],
      gives: { 'application/json': named('AttributeKeys') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const prefix = exchange.query.get('prefix') ?? '';
        return json(await query.attributeKeys(range, prefix, parseLimit(exchange.query)));
      },
    },
    {
      method: 'GET',
      path: '/api/attributes/:key/values',
      summary: 'Values of one attribute, most frequent first',
      segments: [{ name: 'key', description: 'The attribute’s name', schema: text }],
      query: [PREFIX, ...RANGE, LIMIT],
      gives: { 'application/json': named('AttributeValues') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const prefix = exchange.query.get('prefix') ?? '';
        const limit = parseLimit(exchange.query);
        return json(await query.attributeValues(range, exchange.path.key ?? '', prefix, limit));
      },
    },
  ];
}
