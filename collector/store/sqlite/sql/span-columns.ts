/** The columns of the table `spans`: what each says, and how it is read of a granule. */
import { wireAttributes } from '../../../query/wire-trace.ts';
import { textAttribute, type Span } from '../../../span.ts';
import { KINDS, OUTCOMES, SPAN_ID_BYTES, STATUSES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { numberOfCode, RAW } from '../../columns/operations.ts';
import { durationMsOf, spanIdOf, traceIdOf } from '../../columns/span-table.ts';
import type { Names } from '../read/names.ts';

export type Cell = string | number | bigint | null;
export type ReadCell = (row: number) => Cell;

/** What a column is read from. */
export interface SpanSource {
  readonly granule: Granule;
  readonly names: Names;
  /** Decodes the row's span: some microseconds, once for all columns that need it. */
  span(row: number): Span;
}

interface SpanColumn {
  readonly name: string;
  readonly about: string;
  readonly open: (source: SpanSource) => ReadCell;
}

export const SPAN_COLUMNS: readonly SpanColumn[] = [
  {
    name: 'trace_id',
    about: '32 hex digits',
    open: ofRow(traceIdOf),
  },
  {
    name: 'span_id',
    about: '16 hex digits',
    open: ofRow(spanIdOf),
  },
  {
    name: 'parent_id',
    about: 'span_id of the parent; null at a root',
    open: ofRow(parentIdOf),
  },
  {
    name: 'service',
    about: 'its service.name',
    open: ({ granule, names }) => byClass(granule, (at) => names.service(granule.classes.operation[at]!)),
  },
  {
    name: 'operation',
    about: 'what it is listed as: its name, with the route where that is a bare method',
    open: ({ granule, names }) => byClass(granule, (at) => names.operation(granule.classes.operation[at]!)),
  },
  {
    name: 'name',
    about: 'as sent',
    open: (source) => {
      const read = readText(source, 'name', ({ name }) => name);
      return (row) => read(row) ?? '';
    },
  },
  {
    name: 'kind',
    about: KINDS.join(', '),
    open: ({ granule }) => byClass(granule, (at) => KINDS[granule.classes.kind[at]!]!),
  },
  {
    name: 'status',
    about: STATUSES.join(', '),
    open: ({ granule }) => byClass(granule, (at) => STATUSES[granule.classes.status[at]!]!),
  },
  {
    name: 'status_message',
    about: 'null when there is none',
    open: (source) => {
      const read = readText(source, 'status_message', ({ status }) => status.message);
      return (row) => read(row) || null;
    },
  },
  {
    name: 'outcome',
    about: OUTCOMES.join(', '),
    open: ({ granule }) => byClass(granule, (at) => OUTCOMES[granule.classes.outcome[at]!]!),
  },
  {
    name: 'error_type',
    about: 'its error.type; null when there is none',
    open: (source) =>
      readText(source, 'a/s/error.type', ({ attributes }) => textAttribute(attributes, 'error.type')),
  },
  {
    name: 'start',
    about: 'RFC 3339 with nanoseconds, which SQLite’s date functions understand',
    open: ofRow((granule, row) => timeText(startNanoOf(granule, row))),
  },
  {
    name: 'start_unix_nano',
    about: 'nanoseconds since 1970',
    open: ofRow(startNanoOf),
  },
  {
    name: 'duration_ms',
    about: '0 when it has not ended, or ends before it starts',
    open: ofRow(durationMsOf),
  },
  {
    name: 'peer',
    about: 'of a call: whom its own span names as the other side; else null',
    open: ({ granule: { peer }, names }) => {
      return (row) => (peer[row] === 0 ? null : names.peer(peer[row]!).name);
    },
  },
  {
    name: 'gave_up',
    about: 'what a span that gave up met (timeout, refused, reset, …); else null',
    open: ofRow(({ giveUps }, row) => giveUps.get(row)?.kind ?? null),
  },
  {
    name: 'phase',
    about: 'in which phase it gave up (dns, connect, wait, …); else null',
    open: ofRow(({ giveUps }, row) => giveUps.get(row)?.phase ?? null),
  },
  {
    name: 'attributes',
    about: "JSON; one of them is attributes ->> 'http.route'",
    open: ofSpan(({ attributes }) => wireAttributes(attributes)),
  },
  {
    name: 'events',
    about: 'JSON: name, time_unix_nano, attributes of each',
    open: ofSpan(({ events }) =>
      events.map(({ name, timeUnixNano, attributes }) => ({
        name,
        time_unix_nano: String(timeUnixNano),
        attributes: wireAttributes(attributes),
      })),
    ),
  },
  {
    name: 'links',
    about: 'JSON: trace_id, span_id, attributes of each',
    open: ofSpan(({ links }) =>
      links.map(({ traceId, spanId, attributes }) => ({
        trace_id: traceId,
        span_id: spanId,
        attributes: wireAttributes(attributes),
      })),
    ),
  },
  {
    name: 'resource',
    about: 'JSON: attributes of what sent it',
    open: ({ granule, names }) =>
      byClass(granule, (at) => JSON.stringify(wireAttributes(names.resource(granule.classes.resource[at]!)))),
  },
  {
    name: 'scope',
    about: 'name of the instrumentation that made it',
    open: ({ granule, names }) =>
      byClass(granule, (at) => names.decodedScope(granule.classes.scope[at]!).name),
  },
];

function ofRow(read: (granule: Granule, row: number) => Cell): SpanColumn['open'] {
  return ({ granule }) =>
    (row) =>
      read(granule, row);
}

/** As JSON. */
function ofSpan(read: (span: Span) => unknown): SpanColumn['open'] {
  return ({ span }) =>
    (row) =>
      JSON.stringify(read(span(row)));
}

/** What rows of a class agree in, worked out once for each. */
function byClass({ classes }: Granule, valueOf: (rowClass: number) => string): ReadCell {
  const values: (string | undefined)[] = Array.from({ length: classes.count });
  return (row) => {
    const rowClass = classes.of[row]!;
    return (values[rowClass] ??= valueOf(rowClass));
  };
}

/** The value of a column of texts, decoded once for each that is listed; of a span that is kept whole, `ofSpan`. */
function readText(
  { granule, span }: SpanSource,
  columnName: string,
  ofSpan: (span: Span) => string | null,
): (row: number) => string | null {
  const { classes, stored } = granule;
  const isWhole = stored.shapes.map(({ steps }) => numberOfCode(steps[0]!.code) === RAW);
  const column = granule.column(columnName);
  const texts: (string | undefined)[] = [];
  return (row) => {
    if (isWhole[classes.shape[classes.of[row]!]!]) return ofSpan(span(row));
    const count = column?.countAt(row) ?? 0;
    if (count === 0) return null;
    // Of a field that is sent twice the last one holds.
    const index = column!.indexAt(row, count - 1);
    return (texts[index] ??= column!.bytesAt(index).toString());
  };
}

function parentIdOf({ parentSpanId }: Granule, row: number): string | null {
  const at = parentSpanId.byteOffset + row * SPAN_ID_BYTES;
  const id = Buffer.from(parentSpanId.buffer, at, SPAN_ID_BYTES).toString('hex');
  return /[^0]/.test(id) ? id : null;
}

function startNanoOf({ startLow, startHigh }: Granule, row: number): bigint {
  return (BigInt(startHigh[row]!) << 32n) | BigInt(startLow[row]!);
}

const NANO_PER_S = 1_000_000_000n;

function timeText(unixNano: bigint): string {
  const seconds = new Date(Number(unixNano / NANO_PER_S) * 1_000).toISOString().slice(0, -'.000Z'.length);
  return `${seconds}.${String(unixNano % NANO_PER_S).padStart(9, '0')}Z`;
}
