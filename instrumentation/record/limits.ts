/** How much a span may hold, as the OTEL_* variables say. */
import type { AttributeLimits } from './attribute-values.ts';

export interface SpanLimits {
  attributes: AttributeLimits;
  eventAttributes: AttributeLimits;
  linkAttributes: AttributeLimits;
  eventsMax: number;
  linksMax: number;
}

const usualMax = 128;

/** Where a variable has no such number, the next one counts. */
function limit(environment: Record<string, string | undefined>, names: string[], usual: number): number {
  for (const name of names) {
    const text = environment[name]?.trim();
    if (text && Number(text) >= 0) return Number(text);
  }
  return usual;
}

export function spanLimits(environment: Record<string, string | undefined>): SpanLimits {
  const count = (...names: string[]) => limit(environment, names, usualMax);
  const valueLengthMax =
    limit(
      environment,
      ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
      Infinity,
    ) || Infinity;
  const attributes = (countMax: number): AttributeLimits => ({ countMax, valueLengthMax });
  return {
    attributes: attributes(count('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT')),
    eventAttributes: attributes(
      count('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT'),
    ),
    linkAttributes: attributes(
      count('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT'),
    ),
    eventsMax: count('OTEL_SPAN_EVENT_COUNT_LIMIT'),
    linksMax: count('OTEL_SPAN_LINK_COUNT_LIMIT'),
  };
}

/** Whether the hook's own attributes fit whatever they are: there are never so many, and they may be as long as they want. */
export function fitsOwn({ attributes }: SpanLimits): boolean {
  return attributes.countMax >= usualMax && attributes.valueLengthMax === Infinity;
}
