/** Names and values that Tempo's query editor completes. */
import { everyTime } from '../compatible/every-time.ts';
import type { Exchange } from '../route.ts';
import type { Sources } from '../sources.ts';
import type { WireValue } from '../wire.ts';
import { INTRINSICS, KINDS, readField, STATUSES } from './fields.ts';
import { badRequest, readPositive, readRange } from './search.ts';

const SCOPES = ['resource', 'span', 'intrinsic', 'event', 'link', 'instrumentation'] as const;
type Scope = (typeof SCOPES)[number];
/** Names of one scope, values of one tag, whatever limit was asked for. */
const COMPLETED_MAX = 1_000;
/** What snapshots of open spans say of these alone, which no trace that is given has. */
const OF_SNAPSHOTS = 'sockeye.pending.';

export interface TagValue {
  type: 'string' | 'int' | 'float' | 'bool' | 'keyword';
  value: string;
}

/** Attributes of events and links stand with those of spans. */
export async function readTagScopes(
  { query }: Sources,
  exchange: Exchange,
): Promise<{ name: Scope; tags: string[] }[]> {
  const { range, limit } = readBounds(exchange);
  const asked = exchange.query.get('scope') || 'none';
  if (asked !== 'none' && !SCOPES.some((scope) => scope === asked))
    throw badRequest(`invalid scope: ${asked.slice(0, 40)}`);
  const read = async (name: 'resource' | 'span') => {
    const { attributes } = await query.attributeKeys(range, '', limit, name);
    const keys = attributes.map(({ key }) => key).filter((key) => !key.startsWith(OF_SNAPSHOTS));
    return { name, tags: keys.toSorted() };
  };
  const isWanted = (scope: Scope) => asked === 'none' || asked === scope;
  return [
    ...(isWanted('resource') ? [await read('resource')] : []),
    ...(isWanted('span') ? [await read('span')] : []),
    ...(isWanted('intrinsic') ? [{ name: 'intrinsic' as const, tags: [...INTRINSICS] }] : []),
  ];
}

/** `tag` as TraceQL names it: `.a`, `span.a`, `resource.a`, `status`; or without a scope. */
export async function readTagValues(sources: Sources, exchange: Exchange, tag: string): Promise<TagValue[]> {
  const { range, limit } = readBounds(exchange);
  const words = (values: readonly string[]) =>
    values.slice(0, limit).map((value): TagValue => ({ type: 'keyword', value }));
  const texts = (values: readonly string[]) =>
    [...new Set(values)].slice(0, limit).map((value): TagValue => ({ type: 'string', value }));
  const services = async () => {
    const { services } = await sources.query.services(range);
    return texts(services.map(({ service }) => service));
  };
  const field = readField(tag) ?? readField(`.${tag}`);
  if (field?.of === 'service' || /^(?:rootServiceName|trace:rootService)$/.test(tag)) return services();
  if (field?.of === 'name' || /^(?:rootName|trace:rootName)$/.test(tag)) {
    const { operations } = await sources.query.operations(range, null);
    return texts(operations.map(({ operation }) => operation));
  }
  if (field?.of === 'status') return words(STATUSES);
  if (field?.of === 'kind') return words(KINDS);
  if (field?.of !== 'attribute') return [];
  const { values } = await sources.query.attributeValues(range, field.key, '', limit);
  return values.map(({ value }) => ({ type: typeOf(value), value: String(value) }));
}

function typeOf(value: WireValue): TagValue['type'] {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  return 'string';
}

function readBounds({ query, nowUnixMs }: Exchange) {
  const limit = readPositive(query, 'limit') ?? COMPLETED_MAX;
  return { range: readRange(query) ?? everyTime(nowUnixMs), limit: Math.min(limit, COMPLETED_MAX) };
}
