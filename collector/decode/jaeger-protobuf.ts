/**
 * What Jaeger's agents and exporters send by gRPC, `jaeger.api_v2.PostSpansRequest`, becomes an OTLP request. Pure.
 * From model.proto of jaeger-idl. A field of another wire type than the known one is an unknown field.
 */
import {
  JaegerEncoder,
  JAEGER_PARTS,
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  type JaegerTag,
} from './jaeger-spans.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import type { JsonObject } from './read-json.ts';
import { checkSpanCount, RequestParts } from './request-parts.ts';

const VALUE_TYPES = ['string', 'bool', 'int64', 'float64', 'binary'] as const;
const NO_BYTES = Buffer.alloc(0);
const NO_PROCESS: JaegerProcess = { serviceName: '', tags: [] };

/** The bytes of an `ExportTraceServiceRequest`, at most about `bytesMax`. Throws DecodeError naming the place. */
export function tracesFromJaegerProtobuf(request: Uint8Array, bytesMax = Infinity): Buffer {
  const parts = new RequestParts(request.length, JAEGER_PARTS);
  const reader = new ProtobufReader(request);
  const sent: Buffer[] = [];
  let process = NO_PROCESS;
  // The process may stand behind the spans.
  readFields(reader, (tag) => {
    if (tag !== 0x0a) return false;
    reader.nested((batch) =>
      readFields(batch, (field) => {
        if (field === 0x0a) {
          sent.push(batch.slice());
          checkSpanCount(sent.length);
        } else if (field === 0x12) process = batch.nested((each) => readProcess(each, parts));
        else return false;
        return true;
      }),
    );
    return true;
  });
  const encoder = new JaegerEncoder(bytesMax);
  let last: { readonly bytes: Buffer; readonly process: JaegerProcess } = { bytes: NO_BYTES, process };
  for (const bytes of sent) {
    const { span, process: own } = readSpan(new ProtobufReader(bytes), parts);
    // Some senders say the same of each span.
    if (own !== null && !own.equals(last.bytes))
      last = { bytes: own, process: readProcess(new ProtobufReader(own), parts) };
    encoder.add(own === null ? process : last.process, span);
  }
  return encoder.finish();
}

function readSpan(reader: ProtobufReader, parts: RequestParts) {
  parts.add();
  const span = { traceId: '', spanId: '', name: '', flags: 0, startUnixNano: 0n };
  const references: JaegerReference[] = [];
  const tags: JaegerTag[] = [];
  const logs: JaegerSpan['logs'][number][] = [];
  let durationNanos = 0n;
  let process: Buffer | null = null;
  readFields(reader, (tag) => {
    switch (tag) {
      case 0x0a:
        span.traceId = padded(reader.hex(), 32);
        break;
      case 0x12:
        span.spanId = padded(reader.hex(), 16);
        break;
      case 0x1a:
        span.name = reader.string();
        break;
      case 0x22:
        references.push(reader.nested((reference) => readReference(reference, parts)));
        break;
      case 0x28:
        span.flags = reader.uint32();
        break;
      case 0x32:
        span.startUnixNano = reader.nested(readNanos);
        break;
      case 0x3a:
        durationNanos = reader.nested(readNanos);
        break;
      case 0x42:
        tags.push(reader.nested((tagged) => readTag(tagged, parts)));
        break;
      case 0x4a:
        logs.push(reader.nested((log) => readLog(log, parts)));
        break;
      case 0x52:
        process = reader.slice();
        break;
      default:
        return false;
    }
    return true;
  });
  const endUnixNano = span.startUnixNano + durationNanos;
  return { span: { ...span, endUnixNano, references, tags, logs }, process: process as Buffer | null };
}

function readReference(reader: ProtobufReader, parts: RequestParts): JaegerReference {
  parts.add();
  // CHILD_OF is 0, which is not written.
  const reference = { isParent: true, traceId: '', spanId: '' };
  readFields(reader, (tag) => {
    if (tag === 0x0a) reference.traceId = padded(reader.hex(), 32);
    else if (tag === 0x12) reference.spanId = padded(reader.hex(), 16);
    else if (tag === 0x18) reference.isParent = reader.uint32() === 0;
    else return false;
    return true;
  });
  return reference;
}

function readProcess(reader: ProtobufReader, parts: RequestParts): JaegerProcess {
  parts.add();
  let serviceName = '';
  const tags: JaegerTag[] = [];
  readFields(reader, (tag) => {
    if (tag === 0x0a) serviceName = reader.string();
    else if (tag === 0x12) tags.push(reader.nested((each) => readTag(each, parts)));
    else return false;
    return true;
  });
  return { serviceName, tags };
}

function readLog(reader: ProtobufReader, parts: RequestParts): JaegerSpan['logs'][number] {
  parts.add();
  let timeUnixNano = 0n;
  const fields: JaegerTag[] = [];
  readFields(reader, (tag) => {
    if (tag === 0x0a) timeUnixNano = reader.nested(readNanos);
    else if (tag === 0x12) fields.push(reader.nested((each) => readTag(each, parts)));
    else return false;
    return true;
  });
  return { timeUnixNano, fields };
}

/** The value of its type counts; one that is 0, false or empty is not written. */
function readTag(reader: ProtobufReader, parts: RequestParts): JaegerTag {
  parts.add();
  let key = '';
  let kind = 0;
  const values: Record<(typeof VALUE_TYPES)[number], JsonObject> = {
    string: { stringValue: '' },
    bool: { boolValue: false },
    int64: { intValue: '0' },
    float64: { doubleValue: 0 },
    binary: { bytesValue: '' },
  };
  readFields(reader, (tag) => {
    if (tag === 0x0a) key = reader.string();
    else if (tag === 0x10) kind = reader.uint32();
    else if (tag === 0x1a) values.string = { stringValue: reader.string() };
    else if (tag === 0x20) values.bool = { boolValue: reader.int64() !== 0 };
    else if (tag === 0x28) values.int64 = { intValue: reader.int64().toString() };
    else if (tag === 0x31) values.float64 = { doubleValue: reader.double() };
    else if (tag === 0x3a) values.binary = { bytesValue: reader.slice().toString('base64') };
    else return false;
    return true;
  });
  return { key, value: values[VALUE_TYPES[kind] ?? 'string'] };
}

/** Of `google.protobuf.Timestamp` and `Duration`. Negative ones are of a clock that was set back. */
function readNanos(reader: ProtobufReader): bigint {
  let [seconds, nanos] = [0n, 0n];
  readFields(reader, (tag) => {
    if (tag === 0x08) seconds = BigInt(reader.int64());
    else if (tag === 0x10) nanos = BigInt(reader.int64());
    else return false;
    return true;
  });
  const time = seconds * 1_000_000_000n + nanos;
  return time < 0n ? 0n : time;
}

/** One that is too long stays so, for the store to refuse the span. */
function padded(id: string, digits: number): string {
  return id === '' ? '' : id.padStart(digits, '0');
}

function readFields(reader: ProtobufReader, take: (tag: number) => boolean): void {
  while (reader.more) {
    const tag = reader.tag();
    if (!take(tag)) reader.skip(tag & 7);
  }
}
