/** Gives the numbers by which rows refer to what many spans share. The writer backs it by tables of the database. */
import type { Peer } from '../../query/callee.ts';
import type { SpanKind } from '../../span.ts';

/** Every number is 1 or more, the same for the same content, and stands for a row that is stored with the spans. */
export interface Interner {
  /** `bytes` are only valid during the call. */
  resource(bytes: Uint8Array, schemaUrl: string): number;
  scope(bytes: Uint8Array, schemaUrl: string): number;
  operation(service: string, kind: SpanKind, name: string): number;
  peer(peer: Peer): number;
}
