/** Spans called as the lists of operations call them: what is found in a list is found in the traces, too. Pure. */
import { BARE_METHODS, operationOf, type Span } from '../../span.ts';

/** `GET` of `/cpu` is `GET /cpu`; any other name is the span's own. */
export function withOperation(span: Span): Span {
  return BARE_METHODS.has(span.name) ? { ...span, name: operationOf(span) } : span;
}

/** The same, of a span of OTLP's JSON. */
export function recordWithOperation(
  span: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const { name, attributes = [] } = span;
  if (typeof name !== 'string' || !BARE_METHODS.has(name)) return span;
  const texts = (attributes as { readonly key: string; readonly value?: { readonly stringValue?: string } }[])
    .filter(({ value }) => value?.stringValue !== undefined)
    .map(({ key, value }) => [key, value!.stringValue!] as const);
  return { ...span, name: operationOf({ name, attributes: new Map(texts) }) };
}
