/** What can stand where one types: the query's own fields, attributes that were received, and their values. */
import type { AttributeKeys, AttributeValues, Operations, ServiceMap } from '../../collector/serve/wire.ts';
import { apiUrl, getJson } from '../api/get.ts';
import { countOf } from '../format.ts';
import { PHASES } from '../phases.ts';
import { quoteKey, quoteValue, type Typing } from './typing.ts';

export interface Suggestion {
  readonly label: string;
  readonly hint: string;
  /** What takes the place of what was typed. */
  readonly insert: string;
}
export interface AskedRange {
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** More than this is not a list to choose from; typing on shortens it. */
const SHOWN_MAX = 10;

/** What the query language itself knows of a span or its trace. */
const FIELDS: readonly { readonly key: string; readonly operator: string; readonly hint: string }[] = [
  { key: 'service', operator: ':', hint: 'whose span it is' },
  { key: 'operation', operator: ':', hint: 'name of the span' },
  { key: 'timeout', operator: ':', hint: 'gave up after its timer' },
  { key: 'phase', operator: ':', hint: 'what it was stuck in' },
  { key: 'status', operator: ':', hint: 'as it was sent' },
  { key: 'duration', operator: '>', hint: 'such as 2s, 150ms' },
  { key: 'edge', operator: ':', hint: 'caller->callee' },
  { key: 'cause', operator: ':', hint: 'of the verdict, such as B1 or dns' },
  { key: 'kind', operator: ':', hint: 'client, server, …' },
  { key: 'trace.service', operator: ':', hint: 'anywhere in its trace' },
  { key: 'trace.duration', operator: '>', hint: 'of the whole trace' },
  { key: 'trace.spans', operator: '>', hint: 'of the whole trace' },
];

const WORDS: Record<string, readonly string[]> = {
  timeout: ['true', 'false'],
  phase: [...PHASES, 'none'],
  status: ['error', 'ok', 'unset'],
  kind: ['client', 'server', 'producer', 'consumer', 'internal', 'unspecified'],
};

/** Rejects when the collector does not answer. */
export async function suggest(typing: Typing, range: AskedRange, signal: AbortSignal): Promise<Suggestion[]> {
  const found =
    typing.key === null
      ? await suggestKeys(typing.prefix, range, signal)
      : await suggestValues(typing.key, typing.prefix, range, signal);
  return found.slice(0, SHOWN_MAX);
}

async function suggestKeys(prefix: string, range: AskedRange, signal: AbortSignal): Promise<Suggestion[]> {
  const fields = FIELDS.filter(({ key }) => key.startsWith(prefix.toLowerCase())).map(
    ({ key, operator, hint }) => ({ label: key, hint, insert: key + operator }),
  );
  if (prefix === '') return fields;
  const url = apiUrl('/api/attributes', { ...range, prefix, limit: SHOWN_MAX });
  const { attributes } = await getJson<AttributeKeys>(url, signal);
  return [
    ...fields,
    ...attributes.map(({ key, count }) => ({
      label: key,
      hint: countOf(count, 'span'),
      insert: `${attributeKey(key)}:`,
    })),
  ];
}

/** An attribute that is called as a field of the language stands in quotes. */
function attributeKey(key: string): string {
  const isField = key.startsWith('trace.') || FIELDS.some((field) => field.key === key);
  return isField ? `"${key}"` : quoteKey(key);
}

async function suggestValues(
  key: string,
  prefix: string,
  range: AskedRange,
  signal: AbortSignal,
): Promise<Suggestion[]> {
  const words = WORDS[key];
  const begins = (text: string) => text.toLowerCase().startsWith(prefix.toLowerCase());
  const plain = (label: string, hint = '') => ({ label, hint, insert: quoteValue(label) });
  if (words) return words.filter(begins).map((word) => plain(word));
  if (key === 'operation') {
    const { operations } = await getJson<Operations>(
      apiUrl('/api/operations', { ...range, limit: 1000 }),
      signal,
    );
    const known = Map.groupBy(operations, ({ operation }) => operation);
    return [...known]
      .filter(([name]) => begins(name))
      .map(([name, of]) => plain(name, of.map(({ service }) => service).join(', ')));
  }
  if (key === 'edge') {
    const { edges } = await getJson<ServiceMap>(apiUrl('/api/map', { ...range }), signal);
    return edges
      .map(({ from, to }) => `${from}->${to}`)
      .filter(begins)
      .map((edge) => plain(edge));
  }
  const attribute = key === 'service' || key === 'trace.service' ? 'service.name' : key;
  const url = apiUrl(`/api/attributes/${encodeURIComponent(attribute)}/values`, {
    ...range,
    prefix,
    limit: SHOWN_MAX,
  });
  const { values } = await getJson<AttributeValues>(url, signal);
  return values.flatMap(({ value, count }) =>
    typeof value === 'object' ? [] : [plain(String(value), countOf(count, 'span'))],
  );
}
