/** Reads spans of Jaeger for tests, by the road that received spans take; and writes a batch of thrift around spans. */
import { decodeTraces } from '../../collector/decode/decode-traces.ts';
import { tracesFromJaegerProtobuf } from '../../collector/decode/jaeger-protobuf.ts';
import { tracesFromJaegerThrift } from '../../collector/decode/jaeger-thrift.ts';
import type { Span } from '../../collector/span.ts';
import { i64, list, string, struct, type Value } from './write-thrift.ts';

export const ofThrift = (body: Uint8Array) => decodeTraces(tracesFromJaegerThrift(body));
export const ofProtobuf = (body: Uint8Array) => decodeTraces(tracesFromJaegerProtobuf(body));
export const named = (spans: readonly Span[], name: string) => spans.find((span) => span.name === name)!;

/** Fields of a span. */
export const IDS = { 1: i64(2n), 2: i64(1n), 3: i64(-1n) };
export const TIMES = { 8: i64(1_000_000n), 9: i64(5n) };
export const batch = (...spans: Value[]) => batchOf(spans);
export const batchOf = (spans: readonly Value[]) =>
  struct({ 1: struct({ 1: string('a') }), 2: list(12, spans) }).bytes;
