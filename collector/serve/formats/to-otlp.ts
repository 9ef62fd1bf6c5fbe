/** Which format a file of traces is in shows in its shape; whatever it is becomes OTLP. Pure. */
import { DecodeError } from '../../decode/decode-error.ts';
import { checkJsonSize } from '../../decode/json-size.ts';
import { encodeMessage, tracesFromJson } from '../../decode/otlp-json.ts';
import { TRACES_DATA } from '../../decode/otlp-schema.ts';
import { isObject } from '../../decode/read-json.ts';
import { isZipkinJson, tracesFromZipkinJson } from '../../decode/zipkin.ts';
import { fromJaegerJson, isJaegerJson } from './jaeger-json.ts';

const OTLP_JSON = /^\s*\{\s*"resource_?spans"\s*:/i;
const JSON_TEXT = /^\s*[[{]/;
/** What editors put before the text of a file. */
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');
const EXPECTED =
  'OTLP JSON {"resourceSpans": …}, OTLP protobuf, Jaeger JSON {"data": [trace, …]}, or Zipkin JSON [span, …]';

/**
 * An OTLP request (protobuf) of a file in any format that is taken; `saidToBe` JSON by its sender, it is refused as JSON
 * where it is none. Throws DecodeError.
 */
export function toOtlp(file: Buffer, saidToBe: 'json' | null = null): Uint8Array {
  const start = BYTE_ORDER_MARK.length;
  const body = file.subarray(0, start).equals(BYTE_ORDER_MARK) ? file.subarray(start) : file;
  if (body.length === 0) throw new DecodeError('import', 'an empty body', EXPECTED);
  const head = body.toString('latin1', 0, 200);
  if (saidToBe === null && !JSON_TEXT.test(head)) {
    if (!isOtherText(body.subarray(0, 200))) return body;
    throw new DecodeError('import', `the text ${body.toString('utf8', 0, 40).trim()}`, EXPECTED);
  }
  checkJsonSize(body);
  const text = body.toString();
  if (OTLP_JSON.test(head)) return tracesFromJson(text);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    // Protobuf begins with 0x0a too, a line feed, and its next byte may be a brace.
    if (saidToBe === null && body[0] === 0x0a) return body;
    throw new DecodeError('import', (error as Error).message, EXPECTED);
  }
  if (isZipkinJson(document)) return tracesFromZipkinJson(document);
  if (isJaegerJson(document)) return encodeMessage(TRACES_DATA, fromJaegerJson(document));
  if (isObject(document) && ('resourceSpans' in document || 'resource_spans' in document)) {
    return tracesFromJson(text);
  }
  const keys = isObject(document) ? Object.keys(document).slice(0, 5).join(', ') : '';
  const other = Array.isArray(document) ? 'an array' : `the value ${text.trim().slice(0, 40)}`;
  const got = isObject(document) ? `an object with ${keys || 'nothing in it'}` : other;
  throw new DecodeError('import', got, EXPECTED);
}

/** Protobuf has control characters among its tags, and begins with that of its first field: a line feed. */
function isOtherText(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x0a && bytes.every((byte) => byte >= 0x20 || [0x09, 0x0a, 0x0d].includes(byte));
}
