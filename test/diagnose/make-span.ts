/** One span with everything filled in, for tests: a failed or fine client call unless told otherwise. */
import type { AttributeValue, Span } from '../../collector/span.ts';

const NOTHING = { droppedAttributes: 0, droppedEvents: 0, droppedLinks: 0 };
export const START_UNIX_NANO = 1_700_000_000_000_000_000n;

export function makeSpan(
  given: Partial<Omit<Span, 'attributes'>> & { attributes?: Record<string, AttributeValue> } = {},
): Span {
  const { attributes, ...fields } = given;
  return {
    traceId: '0'.repeat(31) + '1',
    spanId: '0'.repeat(15) + '1',
    parentSpanId: '',
    traceState: '',
    flags: 1,
    name: 'GET /',
    kind: 'client',
    startUnixNano: START_UNIX_NANO,
    endUnixNano: START_UNIX_NANO + 1_000_000_000n,
    status: { code: 'unset', message: '' },
    events: [],
    links: [],
    ...NOTHING,
    resource: {
      attributes: new Map([['service.name', 'checkout']]),
      droppedAttributes: 0,
      schemaUrl: '',
    },
    scope: { name: 'test', version: '', attributes: new Map(), droppedAttributes: 0, schemaUrl: '' },
    ...fields,
    attributes: new Map(Object.entries(attributes ?? {})),
  };
}
