/** What Zipkin's reporters send their spans to, below `/zipkin` of the web port or at the root of a port of its own. */
import type { IncomingMessage } from 'node:http';
import { tracesFromZipkin, type ZipkinFormat } from '../../decode/zipkin.ts';
import { HttpError } from '../http-error.ts';
import type { BodyAnswer, Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { takeTraces } from '../api/take-traces.ts';

type Taken = Pick<Sources, 'intake' | 'maxRequestBytes'>;

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

export function spanRoutes(sources: Taken, base: '' | '/zipkin'): Route[] {
  const row = (version: 'v1' | 'v2', takes: readonly string[]): Route => ({
    method: 'POST',
    path: `${base}/api/${version}/spans`,
    summary: `Stores spans of Zipkin ${version}`,
    takes,
    success: 202,
    gives: { [JSON_TYPE]: named('Imported') },
    errors: [413, 415, 503],
    handle: ({ request }) => takeSpans(sources, request, version),
  });
  return [row('v2', [JSON_TYPE, PROTOBUF_TYPE]), row('v1', [JSON_TYPE])];
}

/** Reporters read no further than the status: 202 where some were stored, and the rest is said beside it. */
async function takeSpans(
  sources: Taken,
  request: IncomingMessage,
  version: 'v1' | 'v2',
): Promise<BodyAnswer> {
  const taken = await takeTraces(sources, request, (body) =>
    tracesFromZipkin(body, formatOf(request.headers['content-type'], version), sources.maxRequestBytes),
  );
  if (taken.refused > 0 && taken.stored + taken.duplicate === 0) {
    throw new HttpError(400, 'refused', taken.message, {
      got: `${taken.refused} spans that cannot be stored`,
      expected: 'a trace id of 1 to 32 hex digits and an id of 1 to 16, not all zero',
    });
  }
  return { status: 202, type: JSON_TYPE, body: JSON.stringify(taken) };
}

/** Whatever is not said to be something else is JSON, as Zipkin takes it: curl calls it a form, reporters of old say nothing. */
function formatOf(contentType: string | undefined, version: 'v1' | 'v2'): ZipkinFormat {
  const mediaType = (contentType ?? JSON_TYPE).split(';', 1)[0]!.trim().toLowerCase();
  const isProtobuf = mediaType.includes('protobuf');
  if (isProtobuf && version === 'v2') return 'protobuf';
  if (!isProtobuf && !mediaType.includes('thrift')) return version;
  throw new HttpError(415, 'unknown_type', 'The spans are in no format that is taken here.', {
    got: mediaType.slice(0, 100),
    expected: version === 'v1' ? JSON_TYPE : `${JSON_TYPE} or ${PROTOBUF_TYPE}`,
  });
}
