/** Takes an export request into a table: every span that may be stored becomes a row. */
import { decodeResource, decodeScope } from '../../decode/otlp-protobuf.ts';
import {
  walkSpans,
  type Oddities,
  type SpanContext,
  type SpanSink,
  type WalkedSpan,
} from '../../decode/walk-request.ts';
import { serviceOf } from '../../span.ts';
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import type { Interner } from './interner.ts';
import type { KnownContexts } from './known-contexts.ts';
import type { ResourceContext, ScopeContext } from './row-facts.ts';
import { RAW_SHAPE } from './shape-book.ts';
import { ensureRoom, markTable, truncateTable, type SpanTable } from './span-table.ts';
import { SpanWalk } from './span-walk.ts';
import type { StringPool } from './string-pool.ts';

export interface TakenRequest {
  /** The request's spans are the rows from here … */
  readonly fromRow: number;
  /** … up to here. */
  readonly toRow: number;
  /** Spans whose ids no one could ever find again; they are no rows. */
  readonly refused: number;
  /** Which were refused and why; '' when none was. */
  readonly refusedMessage: string;
  /** What of the rows looks wrong though it is kept as sent; '' when nothing does. */
  readonly warning: string;
}

/** Larger ones are not worth remembering. */
const CONTEXT_BYTES_MAX = 16_384;

/** Throws DecodeError, with the table as it was, when any part of the request could not be decoded later. */
export function takeRequest(
  table: SpanTable,
  interner: Interner,
  request: Uint8Array,
  nowUnixMs: number,
): TakenRequest {
  const mark = markTable(table);
  try {
    const bytes = Buffer.isBuffer(request)
      ? request
      : Buffer.from(request.buffer, request.byteOffset, request.byteLength);
    const walked = walkSpans(bytes, nowUnixMs, new TableSink(table, interner, bytes, nowUnixMs));
    return { fromRow: mark.rows, toRow: table.rows, ...walked };
  } catch (error) {
    truncateTable(table, mark);
    throw error;
  }
}

class TableSink implements SpanSink {
  readonly #table: SpanTable;
  readonly #interner: Interner;
  readonly #walk: SpanWalk;
  /** The first row that is not known whose it is. */
  #firstOpen: number;
  /** One object for all scopes of it, of which a request may have very many. */
  #lastResource: SpanContext | null = null;
  #ofLastResource: ResourceContext | null = null;

  constructor(table: SpanTable, interner: Interner, bytes: Buffer, nowUnixMs: number) {
    this.#table = table;
    this.#interner = interner;
    this.#walk = new SpanWalk(table, bytes, nowUnixMs);
    this.#firstOpen = table.rows;
  }

  takeKnown(start: number, end: number, oddities: Oddities): boolean {
    if (!this.#walk.take(start, end, oddities)) return false;
    this.#table.rows++;
    return true;
  }

  /** A span that is not of the known form: kept whole. */
  take({ traceId, spanId, parentSpanId, startUnixNano, endUnixNano, bytes }: WalkedSpan): void {
    const table = this.#table;
    ensureRoom(table, 1);
    const row = table.rows;
    table.traceId.set(Buffer.from(traceId, 'hex'), row * TRACE_ID_BYTES);
    table.spanId.set(Buffer.from(spanId, 'hex'), row * SPAN_ID_BYTES);
    table.parentSpanId.fill(0, row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
    table.parentSpanId.set(Buffer.from(parentSpanId, 'hex'), row * SPAN_ID_BYTES);
    table.startLow[row] = Number(startUnixNano & 0xffffffffn);
    table.startHigh[row] = Number(startUnixNano >> 32n);
    table.endLow[row] = Number(endUnixNano & 0xffffffffn);
    table.endHigh[row] = Number(endUnixNano >> 32n);
    table.shape[row] = RAW_SHAPE;
    const first = table.valueStart[row]!;
    table.values[first] = table.strings.append(bytes, 0, bytes.length);
    table.valueStart[row + 1] = first + 1;
    table.rows++;
  }

  close(resource: SpanContext, scope: SpanContext): void {
    const table = this.#table;
    const interner = this.#interner;
    if (this.#firstOpen === table.rows) return;
    const ofResource = this.#resourceOf(resource);
    const ofScope = remember(table.scopes, table.strings, scope, (bytes, schemaUrl): ScopeContext => ({
      id: interner.scope(bytes, schemaUrl),
      decoded: decodeScope(bytes, schemaUrl),
    }));
    for (let row = this.#firstOpen; row < table.rows; row++) {
      table.facts.fill(table, row, ofResource, ofScope, interner);
    }
    this.#firstOpen = table.rows;
  }

  #resourceOf(resource: SpanContext): ResourceContext {
    if (this.#ofLastResource !== null && resource === this.#lastResource) return this.#ofLastResource;
    const { resources, strings } = this.#table;
    this.#lastResource = resource;
    this.#ofLastResource = remember(resources, strings, resource, (bytes, schemaUrl): ResourceContext => {
      const decoded = decodeResource(bytes, schemaUrl);
      const id = this.#interner.resource(bytes, schemaUrl);
      const service = serviceOf({ resource: decoded });
      return { id, decoded, service, serviceId: strings.internBytes(Buffer.from(service)) };
    });
    return this.#ofLastResource;
  }
}

function remember<T>(
  known: KnownContexts<T>,
  strings: StringPool,
  { bytes, schemaUrl }: SpanContext,
  make: (bytes: Uint8Array, schemaUrl: string) => T,
): T {
  if (bytes.length > CONTEXT_BYTES_MAX) return make(bytes, schemaUrl);
  const bytesId = strings.internBytes(bytes);
  const urlId = schemaUrl === '' ? 0 : strings.internBytes(Buffer.from(schemaUrl));
  return known.get(bytesId, urlId) ?? known.add(bytesId, urlId, make(bytes, schemaUrl));
}
