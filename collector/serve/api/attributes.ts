/** Names and values of attributes with their counts: what a search box completes from. */
import { parsePage, parseRange, takePage } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named, text, type Parameter } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { AttributeKeys, AttributeValues } from '../wire.ts';
import { CURSOR, LIMIT, RANGE } from './parameter-docs.ts';

const PREFIX: Parameter = { name: 'prefix', description: 'Only those that begin with this', schema: text };

export function attributeRoutes({ query }: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/attributes',
      summary: 'Names of attributes, most frequent first',
      query: [PREFIX, ...RANGE, LIMIT, CURSOR],
      gives: { 'application/json': named('AttributeKeys') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const prefix = exchange.query.get('prefix') ?? '';
        const bounds = parsePage(exchange.query);
        const { attributes } = await query.attributeKeys(range, prefix, bounds.end + 1);
        const { page, cursor } = takePage(attributes, bounds);
        return json({ attributes: page, cursor } satisfies AttributeKeys);
      },
    },
    {
      method: 'GET',
      path: '/api/attributes/:key/values',
      summary: 'Values of one attribute, most frequent first',
      segments: [{ name: 'key', description: 'The attribute’s name', schema: text }],
      query: [PREFIX, ...RANGE, LIMIT, CURSOR],
      gives: { 'application/json': named('AttributeValues') },
      handle: async (exchange) => {
        const range = parseRange(exchange.query, exchange.nowUnixMs);
        const prefix = exchange.query.get('prefix') ?? '';
        const bounds = parsePage(exchange.query);
        const { key, values } = await query.attributeValues(
          range,
          exchange.path.key ?? '',
          prefix,
          bounds.end + 1,
        );
        const { page, cursor } = takePage(values, bounds);
        return json({ key, values: page, cursor } satisfies AttributeValues);
      },
    },
  ];
}
