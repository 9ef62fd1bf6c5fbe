/** Parameters that several routes take, described once. */
import { LIMIT_DEFAULT, LIMIT_MAX } from '../parameters.ts';
import { text, type Parameter } from '../schema.ts';

const TIME_FORMS = 'RFC 3339, epoch milliseconds, now, or now-15m';

export const RANGE: readonly Parameter[] = [
  {
    name: 'from',
    description: `Start of the range, included: ${TIME_FORMS}; an hour before \`to\``,
    schema: text,
  },
  { name: 'to', description: `End of the range, excluded: ${TIME_FORMS}; now`, schema: text },
];

export const TRACE_ID: Parameter = {
  name: 'id',
  description: 'Trace id: 1 to 32 hex digits of either case, padded on the left',
  schema: { type: 'string', pattern: '^[0-9a-fA-F]{1,32}$' },
};

export const SPAN_ID: Parameter = {
  name: 'spanId',
  description: 'Span id: 1 to 16 hex digits of either case, padded on the left',
  schema: { type: 'string', pattern: '^[0-9a-fA-F]{1,16}$' },
};

export const CURSOR: Parameter = {
  name: 'cursor',
  description: 'The cursor of the page before',
  schema: text,
};

export const LIMIT: Parameter = {
  name: 'limit',
  description: 'Most entries to give',
  schema: { type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT },
};

export const FINGERPRINT: Parameter = {
  name: 'fingerprint',
  description: 'Of an incident: the same for every give-up with its edge, phase and kind',
  schema: text,
};
