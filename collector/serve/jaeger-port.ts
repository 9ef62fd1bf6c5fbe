/** What Jaeger's clients send by thrift over HTTP, on a port of its own, where Jaeger's collector has it. */
import type { IncomingMessage } from 'node:http';
import { tracesFromJaegerThrift } from '../decode/jaeger-thrift.ts';
import type { Port } from '../receive/listen.ts';
import { takeTraces } from './api/take-traces.ts';
import { HttpError } from './http-error.ts';
import type { BodyAnswer, Route } from './route.ts';
import { named, text } from './schema.ts';
import type { Sources } from './sources.ts';
import { startSite, type SiteOptions } from './web.ts';

type Taken = Pick<Sources, 'intake' | 'maxRequestBytes'>;

const THRIFT_TYPES = ['application/x-thrift', 'application/vnd.apache.thrift.binary'];
const JSON_TYPE = 'application/json';
const FORMAT = 'jaeger.thrift';

/** Resolves when the port is bound, rejects with the system's error when it cannot be. */
export function startJaegerHttp(options: SiteOptions, sources: Taken): Promise<Port> {
  const route: Route = {
    method: 'POST',
    path: '/api/traces',
    summary: 'Stores a batch of jaeger.thrift',
    query: [{ name: 'format', description: FORMAT, schema: text }],
    takes: THRIFT_TYPES,
    success: 202,
    gives: { [JSON_TYPE]: named('Imported') },
    errors: [413, 415, 503],
    ignoresUnknown: true,
    noteRefused: () => sources.intake.noteRefused(),
    handle: ({ request, query }) => takeBatch(sources, request, query),
  };
  return startSite(options, [route], null);
}

/** Clients read no further than the status: 202 where some were stored, and the rest is said beside it. */
async function takeBatch(
  sources: Taken,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<BodyAnswer> {
  const taken = await takeTraces(sources, request, (body) => {
    checkFormat(request.headers['content-type'], query.get('format'));
    return tracesFromJaegerThrift(body, sources.maxRequestBytes);
  });
  if (taken.refused > 0 && taken.stored + taken.duplicate === 0) {
    throw new HttpError(400, 'refused', taken.message, {
      got: `${taken.refused} spans that cannot be stored`,
      expected: 'ids that are not all zero',
    });
  }
  return { status: 202, type: JSON_TYPE, body: JSON.stringify(taken) };
}

function checkFormat(contentType: string | undefined, format: string | null): void {
  const mediaType = (contentType ?? 'none').split(';', 1)[0]!.trim().toLowerCase();
  if (!THRIFT_TYPES.includes(mediaType)) {
    const details = { got: mediaType.slice(0, 100), expected: THRIFT_TYPES.join(' or ') };
    throw new HttpError(415, 'unknown_type', 'The spans are in no format that is taken here.', details);
  }
  if (format !== null && format !== FORMAT) {
    const details = { got: format.slice(0, 100), expected: FORMAT };
    throw new HttpError(400, 'unknown_format', 'The format is none that is taken here.', details);
  }
}
