/**
 * Which tags are numbers or booleans although their format knows text alone: those of this product's own attributes and
 * of OpenTelemetry's conventions that are. Any other text stays as it is: a customer's number is not to be counted with. Pure.
 */
import type { JsonObject } from './read-json.ts';

/** Ids, names and whole times of pending spans are text, and so is an inode of a host. */
const OWN = /^sockeye\.(?!pending\.|host\.)/;
const OF_CONVENTIONS = new Set([
  'client.port',
  'db.response.returned_rows',
  'http.request.body.size',
  'http.request.resend_count',
  'http.response.body.size',
  'http.response.status_code',
  'http.status_code',
  'messaging.batch.message_count',
  'net.host.port',
  'net.peer.port',
  'network.local.port',
  'network.peer.port',
  'process.pid',
  'rpc.grpc.status_code',
  'server.port',
  'thread.id',
]);
const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/;

/** OTLP JSON's `AnyValue` of a tag. */
export function typedTag(key: string, text: string): JsonObject {
  if (!OWN.test(key) && !OF_CONVENTIONS.has(key)) return { stringValue: text };
  if (text === 'true' || text === 'false') return { boolValue: text === 'true' };
  const number = NUMBER.test(text) ? Number(text) : NaN;
  // What would not come out as it went in is no number here.
  if (String(number) !== text) return { stringValue: text };
  return Number.isSafeInteger(number) ? { intValue: text } : { doubleValue: number };
}
