/** A span as OTLP writes it: one `Span` message, as a field of `ScopeSpans`. */
import type { ByteWriter } from './byte-writer.ts';
import { writeMoment } from './clock.ts';
import { encodeShared, writeAttribute } from './encode-attributes.ts';
import type { AttributeMap } from './attribute-values.ts';
import type { SharedAttributes } from '../recorder.ts';
import type { SpanData, SpanEvent, SpanLink } from './span-data.ts';

/** Bits of the flags that say that the next one is known, and that the parent is another process's. */
const knowsRemote = 0x100;
const isRemoteFlag = 0x200;
/** All fields of a fixed size, with their tags, and more. */
const fixedFieldsBytes = 160;
/** What the length of a span takes: from 128 bytes to 16 KiB. */
const lengthBytes = 2;

export function writeSpan(writer: ByteWriter, span: SpanData): void {
  const { parentSpanId, name, traceState, endAttributes, shared } = span;
  writer.reserve(fixedFieldsBytes + 3 * name.length);
  writer.byte(0x12);
  const start = writer.open(lengthBytes);
  writeIds(writer, span.traceId, span.spanId);
  if (traceState) writeText(writer, 0x1a, traceState.serialize());
  if (parentSpanId !== undefined) {
    writer.byte(0x22);
    writer.byte(8);
    writer.hex(parentSpanId);
  }
  writer.byte(0x2a);
  writer.text(name);
  writer.byte(0x30);
  writer.byte(span.kind);
  writer.byte(0x39);
  writeMoment(writer, span.startedAt);
  writer.byte(0x41);
  writeMoment(writer, span.endedAt);
  writer.byte(0x85);
  writer.byte(0x01);
  writer.fixed32(flagsOf(span.traceFlags, span.parentIsRemote));
  if (span.statusCode !== 0) writeStatus(writer, span.statusCode, span.statusMessage);
  if (span.ownAttributes) writeMap(writer, 9, span.ownAttributes);
  if (shared) for (const attributes of shared) writeShared(writer, attributes);
  const { startAttributes } = span;
  for (const key in startAttributes) {
    const value = startAttributes[key];
    if (value !== undefined && endAttributes?.[key] === undefined) writeAttribute(writer, 9, key, value);
  }
  for (const key in endAttributes) {
    const value = endAttributes[key];
    if (value !== undefined) writeAttribute(writer, 9, key, value);
  }
  writeCount(writer, 0x50, span.droppedAttributesCount);
  if (span.events || span.links || span.droppedEventsCount || span.droppedLinksCount)
    writeLists(writer, span);
  writer.close(start, lengthBytes);
}

function writeShared(writer: ByteWriter, shared: SharedAttributes): void {
  const bytes = encodeShared(shared);
  writer.reserve(bytes.length);
  writer.raw(bytes);
}

function writeIds(writer: ByteWriter, traceId: string, spanId: string): void {
  writer.byte(0x0a);
  writer.byte(16);
  writer.hex(traceId);
  writer.byte(0x12);
  writer.byte(8);
  writer.hex(spanId);
}

function writeText(writer: ByteWriter, tag: number, text: string): void {
  writer.reserve(3 * text.length + 16);
  writer.byte(tag);
  writer.text(text);
}

function flagsOf(traceFlags: number, isRemote: boolean): number {
  return (traceFlags & 0xff) | knowsRemote | (isRemote ? isRemoteFlag : 0);
}

function writeStatus(writer: ByteWriter, code: number, message: string): void {
  writer.reserve(3 * message.length + 32);
  writer.byte(0x7a);
  const start = writer.open();
  if (message !== '') writeText(writer, 0x12, message);
  writer.byte(0x18);
  writer.byte(code);
  writer.close(start);
}

function writeMap(writer: ByteWriter, field: number, attributes: AttributeMap): void {
  for (const [key, value] of attributes) writeAttribute(writer, field, key, value);
}

function writeCount(writer: ByteWriter, tag: number, count: number): void {
  if (count === 0) return;
  writer.reserve(16);
  writer.byte(tag);
  writer.varint(count);
}

function writeLists(writer: ByteWriter, span: SpanData): void {
  for (const event of span.events ?? []) writeEvent(writer, event);
  writeCount(writer, 0x60, span.droppedEventsCount);
  for (const link of span.links ?? []) writeLink(writer, link);
  writeCount(writer, 0x70, span.droppedLinksCount);
}

function writeEvent(writer: ByteWriter, { name, at, attributes, droppedCount }: SpanEvent): void {
  writer.reserve(3 * name.length + 64);
  writer.byte(0x5a);
  const start = writer.open();
  writer.byte(0x09);
  writeMoment(writer, at);
  writeText(writer, 0x12, name);
  writeMap(writer, 3, attributes);
  writeCount(writer, 0x20, droppedCount);
  writer.close(start);
}

function writeLink(writer: ByteWriter, link: SpanLink): void {
  writer.reserve(128);
  writer.byte(0x6a);
  const start = writer.open();
  writeIds(writer, link.traceId, link.spanId);
  if (link.traceState) writeText(writer, 0x1a, link.traceState.serialize());
  writeMap(writer, 4, link.attributes);
  writeCount(writer, 0x28, link.droppedCount);
  writer.reserve(16);
  writer.byte(0x35);
  writer.fixed32(flagsOf(link.traceFlags, link.isRemote));
  writer.close(start);
}
