/** Find in a trace: names, status, events, and every attribute of every span. Pure. */
import type { WireAttributes, WireSpan, WireValue } from '../../collector/serve/wire.ts';

/** All words must be somewhere in the span, in any case. */
export function findSpans(spans: readonly WireSpan[], text: string): Set<string> {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Set<string>();
  if (words.length === 0) return found;
  for (const span of spans) {
    const haystack = textOf(span);
    if (words.every((word) => haystack.includes(word))) found.add(span.spanId);
  }
  return found;
}

const texts = new WeakMap<WireSpan, string>();

/** Everything a span says, once, in lower case; kept as long as the span is. */
function textOf(span: WireSpan): string {
  const known = texts.get(span);
  if (known !== undefined) return known;
  const parts = [span.service, span.operation, span.kind, span.spanId, span.status.code, span.status.message];
  for (const attributes of [span.attributes, span.resource, span.scope])
    parts.push(attributesText(attributes));
  for (const event of span.events) parts.push(event.name, attributesText(event.attributes));
  for (const link of span.links) parts.push(link.traceId, link.spanId, attributesText(link.attributes));
  const text = parts.join('\n').toLowerCase();
  texts.set(span, text);
  return text;
}

function attributesText(attributes: WireAttributes): string {
  return Object.entries(attributes)
    .map(([key, value]) => `${key}=${formatValue(value)}`)
    .join('\n');
}

/** A value as one line: text as it is, everything else as JSON. */
export function formatValue(value: WireValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
