/** What changes the store from outside: `POST /api/import` takes traces from files, `POST /api/purge` deletes all. */
import { DecodeError } from '../../decode/decode-error.ts';
import { encodeMessage, tracesFromJson } from '../../decode/otlp-json.ts';
import { TRACES_DATA } from '../../decode/otlp-schema.ts';
import { readBody } from '../../receive/read-body.ts';
import { Cancelled, StoreUnavailable } from '../../store/store.ts';
import { fromJaegerJson, isJaegerJson } from '../formats/jaeger-json.ts';
import { isObject } from '../formats/read-json.ts';
import { fromZipkinJson, isZipkinJson } from '../formats/zipkin-json.ts';
import { HttpError } from '../http-error.ts';
import { json, type BodyAnswer, type Exchange, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Imported, Purged } from '../wire.ts';

const OTLP_JSON = /^\s*\{\s*"resource_?spans"\s*:/i;
const JSON_TEXT = /^\s*[[{]/;
/** What editors put before the text of a file. */
const BYTE_ORDER_MARK = Buffer.from('\uFEFF');
const EXPECTED =
  'OTLP JSON {"resourceSpans": …}, OTLP protobuf, Jaeger JSON {"data": [trace, …]}, or Zipkin v2 JSON [span, …]';

export function importRoutes(sources: Sources): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/import',
      summary: 'Stores the traces of a file; which format it is shows in its shape',
      takes: ['application/json', 'application/x-protobuf'],
      gives: { 'application/json': named('Imported') },
      errors: [413, 415, 503],
      handle: ({ request }) => importTraces(sources, request),
    },
    {
      method: 'POST',
      path: '/api/purge',
      summary: 'Deletes every trace; only where the collector was started with --allow-purge',
      gives: { 'application/json': named('Purged') },
      errors: [503],
      handle: () => purge(sources),
    },
  ];
}

async function importTraces(
  { intake, maxRequestBytes }: Sources,
  request: Exchange['request'],
): Promise<BodyAnswer> {
  try {
    const otlp = toOtlp(await readBody(request, maxRequestBytes, intake));
    const { stored, duplicate, refused, refusedMessage, warning } = await intake.accept(otlp);
    return json({ stored, duplicate, refused, message: refusedMessage || warning } satisfies Imported);
  } catch (error) {
    // What is to be tried again later, the intake has counted itself; who went away was refused nothing.
    if (!(error instanceof StoreUnavailable || error instanceof Cancelled)) intake.noteRefused();
    throw error;
  }
}

/** An OTLP request (protobuf) of a file in any format that is taken. Throws DecodeError. */
export function toOtlp(file: Buffer): Uint8Array {
  const start = BYTE_ORDER_MARK.length;
  const body = file.subarray(0, start).equals(BYTE_ORDER_MARK) ? file.subarray(start) : file;
  if (body.length === 0) throw new DecodeError('import', 'an empty body', EXPECTED);
  const head = body.toString('latin1', 0, 200);
  if (!JSON_TEXT.test(head)) return body;
  const text = body.toString();
  if (OTLP_JSON.test(head)) return tracesFromJson(text);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    // Protobuf begins with 0x0a too, a line feed, and its next byte may be a brace.
    if (body[0] === 0x0a) return body;
    throw new DecodeError('import', (error as Error).message, EXPECTED);
  }
  if (isZipkinJson(document)) return encodeMessage(TRACES_DATA, fromZipkinJson(document));
  if (isJaegerJson(document)) return encodeMessage(TRACES_DATA, fromJaegerJson(document));
  if (isObject(document) && ('resourceSpans' in document || 'resource_spans' in document)) {
    return tracesFromJson(text);
  }
  const keys = isObject(document) ? Object.keys(document).slice(0, 5).join(', ') : '';
  const got = isObject(document) ? `an object with ${keys || 'nothing in it'}` : 'an array';
  throw new DecodeError('import', got, EXPECTED);
}

async function purge({ allowPurge, store }: Sources): Promise<BodyAnswer> {
  if (!allowPurge) {
    throw new HttpError(403, 'purge_not_allowed', 'This collector does not delete on request.', {
      got: 'a start without --allow-purge',
      expected: '--allow-purge',
    });
  }
  const { spans } = await store.status();
  await store.purge();
  return json({ spans } satisfies Purged);
}
