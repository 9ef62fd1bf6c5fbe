/**
 * Which collectors have forwarded a request: what comes back to one of them is not forwarded once more. Pure.
 *
 *     mark of the last · mark of the one before · … · request
 *
 * A mark is a field that OTLP does not have, which everybody passes over. Who writes a request anew leaves it out, and nothing
 * is known then. Requests are joined, and divided, behind their marks.
 */
import { FIXED64 } from './protobuf-reader.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

const PASSED_FIELD = 29_471;
const TAG = tagOf(PASSED_FIELD);
const MARK_BYTES = TAG.length + 8;
/** More collectors, one behind the other, are taken for a circle. */
const PASSED_MAX = 64;

/** `id`: 64 bits. */
export function markOf(id: bigint): Buffer {
  const mark = Buffer.alloc(MARK_BYTES, TAG);
  mark.writeBigUInt64LE(BigInt.asUintN(64, id), TAG.length);
  return mark;
}

/** Views of a request: its marks, mostly none, and the rest. */
export function splitPassed(request: Buffer): { readonly passed: Buffer; readonly rest: Buffer } {
  let end = 0;
  while (request.length - end >= MARK_BYTES && isMark(request, end)) end += MARK_BYTES;
  return { passed: request.subarray(0, end), rest: request.subarray(end) };
}

/** Whether a collector is among those that a request has passed, by its mark. */
export function isCircle(passed: Buffer, own: Buffer): boolean {
  if (passed.length > PASSED_MAX * MARK_BYTES) return true;
  for (let at = 0; at < passed.length; at += MARK_BYTES)
    if (own.equals(passed.subarray(at, at + MARK_BYTES))) return true;
  return false;
}

function isMark(request: Buffer, at: number): boolean {
  return TAG.every((byte, index) => request[at + index] === byte);
}

function tagOf(field: number): Buffer {
  const writer = new ProtobufWriter();
  writer.tag(field, FIXED64);
  return Buffer.from(writer.finish());
}
