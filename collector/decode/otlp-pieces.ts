/**
 * Cuts OTLP requests into smaller ones, and counts what they hold, without decoding a span. Pure.
 *
 * The requests of all three signals have the same three levels. What stands beside the children of a level, a resource or a
 * scope, is said again in each piece; bytes are copied as they were sent, unknown fields included:
 *
 *     request ─< resource's part ─< scope's part ─< span, metric or log record
 *
 * Two requests one behind the other are one request with the parts of both: so protobuf joins messages.
 */
import { LENGTH_DELIMITED, ProtobufReader } from './protobuf-reader.ts';

export const SIGNALS = ['traces', 'metrics', 'logs'] as const;
export type Signal = (typeof SIGNALS)[number];

/** Field numbers of the children: in a request, a resource's part, a scope's part. */
const CHILD_FIELDS = [1, 2, 2];
const ITEM_LEVEL = CHILD_FIELDS.length;
const NOTHING = Buffer.alloc(0);
/** Tag and length of a nested message, at most. */
const FIELD_HEAD_BYTES = 6;
/** Of a metric: gauge, sum, histogram, exponential histogram, summary; the points of each are its field 1. */
const DATA_FIELDS = new Set([5, 7, 9, 10, 11]);
const POINTS_FIELD = 1;

interface Field {
  readonly number: number;
  readonly isMessage: boolean;
  /** The whole field, and its value where that is a message. */
  readonly bytes: Buffer;
  readonly value: Buffer;
}

/** Throws DecodeError. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  const reader = new ProtobufReader(message);
  while (reader.more) {
    const start = reader.position;
    const tag = reader.tag();
    const isMessage = (tag & 7) === LENGTH_DELIMITED;
    let value: Buffer = NOTHING;
    if (isMessage) value = reader.slice();
    else reader.skip(tag & 7);
    yield { number: tag >>> 3, isMessage, bytes: reader.bytes.subarray(start, reader.position), value };
  }
}

function* childrenOf(message: Uint8Array, level: number): Generator<Field> {
  for (const field of fieldsOf(message)) if (isChild(field, level)) yield field;
}

/** Spans, data points or log records, as a backend counts what it refuses. Throws DecodeError when a level is broken. */
export function countItems(signal: Signal, request: Uint8Array): number {
  return countBelow(request, 0, signal === 'metrics' ? countPoints : () => 1);
}

function countBelow(message: Uint8Array, level: number, countOne: (item: Uint8Array) => number): number {
  let count = 0;
  for (const { value } of childrenOf(message, level))
    count += level + 1 === ITEM_LEVEL ? countOne(value) : countBelow(value, level + 1, countOne);
  return count;
}

function countPoints(metric: Uint8Array): number {
  let count = 0;
  for (const data of fieldsOf(metric)) {
    if (!data.isMessage || !DATA_FIELDS.has(data.number)) continue;
    for (const { number, isMessage } of fieldsOf(data.value))
      if (isMessage && number === POINTS_FIELD) count++;
  }
  return count;
}

/** What a piece is bounded by. */
interface Measure {
  /** Of a message at a level, the request's being 0. */
  of(part: Uint8Array, level: number): number;
  /** Of what stands beside the children. */
  beside(bytes: Uint8Array): number;
}

/** With the head of the field that it becomes. */
const BYTES: Measure = { of: (part) => part.length + FIELD_HEAD_BYTES, beside: (bytes) => bytes.length };
const ITEMS: Measure = {
  of: (part, level) => (level === ITEM_LEVEL ? 1 : countBelow(part, level, () => 1)),
  beside: () => 0,
};

/** Requests of at most so many bytes, as far as single items, and what is said again with each, leave it to be done. */
export function splitBySize(request: Buffer, bytesMax: number): Buffer[] {
  return request.length <= bytesMax ? [request] : split(request, 0, bytesMax, BYTES);
}

/** Two requests or a few more, none with more than half of the items; of one item, itself alone. */
export function halve(request: Buffer): Buffer[] {
  return split(request, 0, Math.ceil(ITEMS.of(request, 0) / 2), ITEMS);
}

function split(message: Buffer, level: number, most: number, measure: Measure): Buffer[] {
  if (level === ITEM_LEVEL || measure.of(message, level) <= most) return [message];
  const shared: Buffer[] = [];
  const children: Field[] = [];
  for (const field of fieldsOf(message)) {
    if (isChild(field, level)) children.push(field);
    else shared.push(field.bytes);
  }
  const beside = Buffer.concat(shared);
  // Where most of it would be said again, pieces are larger rather than countless.
  const room = Math.max(most - measure.beside(beside), Math.ceil(most / 2));
  const pieces: Buffer[] = [];
  let open: Buffer[] = [];
  let weight = 0;
  const close = (): void => {
    if (open.length > 0) pieces.push(Buffer.concat([beside, ...open]));
    open = [];
    weight = 0;
  };
  for (const child of children) {
    for (const part of split(child.value, level + 1, room, measure)) {
      const partWeight = measure.of(part, level + 1);
      if (weight + partWeight > room) close();
      open.push(part === child.value ? child.bytes : asField(child.number, part));
      weight += partWeight;
    }
  }
  close();
  return pieces.length === 0 ? [message] : pieces;
}

/** The request without spans that were refused for their ids. */
export function withoutNamelessSpans(request: Buffer): Buffer {
  return keepBelow(request, 0, (span) => hasId(span, 1, 16) && hasId(span, 2, 8));
}

function keepBelow(message: Buffer, level: number, isKept: (item: Buffer) => boolean): Buffer {
  if (level === ITEM_LEVEL) return message;
  const kept: Buffer[] = [];
  for (const field of fieldsOf(message)) {
    if (!isChild(field, level)) kept.push(field.bytes);
    else if (level + 1 < ITEM_LEVEL)
      kept.push(asField(field.number, keepBelow(field.value, level + 1, isKept)));
    else if (isKept(field.value)) kept.push(field.bytes);
  }
  return Buffer.concat(kept);
}

function hasId(span: Buffer, number: number, length: number): boolean {
  let id: Buffer = NOTHING;
  for (const field of fieldsOf(span)) if (field.number === number) id = field.value;
  return id.length === length && id.some((byte) => byte !== 0);
}

function isChild({ number, isMessage }: Field, level: number): boolean {
  return isMessage && number === CHILD_FIELDS[level];
}

function asField(number: number, value: Buffer): Buffer {
  const head: number[] = [number * 8 + LENGTH_DELIMITED];
  let rest = value.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) head.push((rest % 0x80) + 0x80);
  head.push(rest);
  return Buffer.concat([Buffer.from(head), value]);
}
