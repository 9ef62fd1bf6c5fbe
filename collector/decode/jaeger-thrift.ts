/**
 * What Jaeger's clients send by thrift over HTTP, a `Batch` in the binary protocol, becomes an OTLP request. Pure.
 * From jaeger.thrift of jaeger-idl.
 */
import { DecodeError } from './decode-error.ts';
import {
  JaegerEncoder,
  JAEGER_PARTS,
  withParent,
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  type JaegerTag,
} from './jaeger-spans.ts';
import type { JsonObject } from './read-json.ts';
import { checkSpanCount, RequestParts } from './request-parts.ts';
import { THRIFT, ThriftReader } from './thrift-reader.ts';

const CHILD_OF = 0;
const TAG_TYPES = ['string', 'double', 'bool', 'long', 'binary'] as const;

/** The bytes of an `ExportTraceServiceRequest`, at most about `bytesMax`. Throws DecodeError naming the place. */
export function tracesFromJaegerThrift(body: Uint8Array, bytesMax = Infinity): Buffer {
  const reader = new ThriftReader(body);
  const parts = new RequestParts(body.length, JAEGER_PARTS);
  let process: JaegerProcess | null = null;
  let spansAt: number | null = null;
  // All of it is passed over once, so that what comes is known to be whole.
  reader.struct((id, type) => {
    if (id === 2 && type === THRIFT.list) spansAt = reader.position;
    if (id !== 1 || type !== THRIFT.struct) return false;
    process = readProcess(reader, parts);
    return true;
  });
  if (process === null || spansAt === null) {
    const got = `no ${process === null ? 'process' : 'spans'}`;
    throw new DecodeError('thrift', got, 'a Batch of jaeger.thrift in the binary protocol');
  }
  const encoder = new JaegerEncoder(bytesMax);
  const sender: JaegerProcess = process;
  // Behind the type of its elements, how many there are.
  checkSpanCount(reader.bytes.readInt32BE(spansAt + 1));
  reader.position = spansAt;
  reader.list(THRIFT.struct, () => encoder.add(sender, readSpan(reader, parts)));
  return encoder.finish();
}

function readSpan(reader: ThriftReader, parts: RequestParts): JaegerSpan {
  parts.add();
  const ids = { low: 0n, high: 0n, span: 0n, parent: 0n };
  const references: JaegerReference[] = [];
  const tags: JaegerTag[] = [];
  const logs: JaegerSpan['logs'][number][] = [];
  const rest = { name: '', flags: 0, startMicros: 0n, durationMicros: 0n };
  reader.struct((id, type) => {
    if (type === THRIFT.i64) {
      if (id === 1) ids.low = reader.i64();
      else if (id === 2) ids.high = reader.i64();
      else if (id === 3) ids.span = reader.i64();
      else if (id === 4) ids.parent = reader.i64();
      else if (id === 8) rest.startMicros = reader.i64();
      else if (id === 9) rest.durationMicros = reader.i64();
      else return false;
    } else if (id === 5 && type === THRIFT.string) rest.name = reader.string();
    else if (id === 7 && type === THRIFT.i32) rest.flags = reader.i32();
    else if (type !== THRIFT.list) return false;
    else if (id === 6) reader.list(THRIFT.struct, () => references.push(readReference(reader, parts)));
    else if (id === 10) reader.list(THRIFT.struct, () => tags.push(readTag(reader, parts)));
    else if (id === 11) reader.list(THRIFT.struct, () => logs.push(readLog(reader, parts)));
    else return false;
    return true;
  });
  const traceId = traceIdOf(ids.high, ids.low);
  const startUnixNano = nanosOf(rest.startMicros);
  return {
    traceId,
    spanId: hex(ids.span),
    references: withParent(references, traceId, ids.parent === 0n ? '' : hex(ids.parent)),
    flags: rest.flags,
    name: rest.name,
    startUnixNano,
    endUnixNano: startUnixNano + nanosOf(rest.durationMicros),
    tags,
    logs,
  };
}

function readReference(reader: ThriftReader, parts: RequestParts): JaegerReference {
  parts.add();
  const ids = { low: 0n, high: 0n, span: 0n };
  let isParent = false;
  reader.struct((id, type) => {
    if (id === 1 && type === THRIFT.i32) isParent = reader.i32() === CHILD_OF;
    else if (type !== THRIFT.i64) return false;
    else if (id === 2) ids.low = reader.i64();
    else if (id === 3) ids.high = reader.i64();
    else if (id === 4) ids.span = reader.i64();
    else return false;
    return true;
  });
  return { isParent, traceId: traceIdOf(ids.high, ids.low), spanId: hex(ids.span) };
}

function readProcess(reader: ThriftReader, parts: RequestParts): JaegerProcess {
  parts.add();
  let serviceName = '';
  const tags: JaegerTag[] = [];
  reader.struct((id, type) => {
    if (id === 1 && type === THRIFT.string) serviceName = reader.string();
    else if (id === 2 && type === THRIFT.list)
      reader.list(THRIFT.struct, () => tags.push(readTag(reader, parts)));
    else return false;
    return true;
  });
  return { serviceName, tags };
}

function readLog(reader: ThriftReader, parts: RequestParts): JaegerSpan['logs'][number] {
  parts.add();
  let micros = 0n;
  const fields: JaegerTag[] = [];
  reader.struct((id, type) => {
    if (id === 1 && type === THRIFT.i64) micros = reader.i64();
    else if (id === 2 && type === THRIFT.list)
      reader.list(THRIFT.struct, () => fields.push(readTag(reader, parts)));
    else return false;
    return true;
  });
  return { timeUnixNano: nanosOf(micros), fields };
}

/** The value of its type counts, whichever others are there. */
function readTag(reader: ThriftReader, parts: RequestParts): JaegerTag {
  parts.add();
  let key = '';
  let kind = 0;
  const values: Partial<Record<(typeof TAG_TYPES)[number], JsonObject>> = {};
  reader.struct((id, type) => {
    if (id === 1 && type === THRIFT.string) key = reader.string();
    else if (id === 2 && type === THRIFT.i32) kind = reader.i32();
    else if (id === 3 && type === THRIFT.string) values.string = { stringValue: reader.string() };
    else if (id === 4 && type === THRIFT.double) values.double = { doubleValue: reader.double() };
    else if (id === 5 && type === THRIFT.bool) values.bool = { boolValue: reader.bool() };
    else if (id === 6 && type === THRIFT.i64) values.long = { intValue: reader.i64().toString() };
    else if (id === 7 && type === THRIFT.string)
      values.binary = { bytesValue: reader.binary().toString('base64') };
    else return false;
    return true;
  });
  return { key, value: values[TAG_TYPES[kind] ?? 'string'] ?? { stringValue: '' } };
}

/** Negative ones are of a clock that was set back: the rest is true all the same. */
function nanosOf(micros: bigint): bigint {
  return micros < 0n ? 0n : micros * 1000n;
}

/** No trace has the id 0: the store refuses it. */
function traceIdOf(high: bigint, low: bigint): string {
  return hex(high) + hex(low);
}

function hex(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, '0');
}
