/** `POST /api/look`: reads a file of traces without storing it, for someone who was sent one. */
import { readBody } from '../../receive/read-body.ts';
import { notFound } from '../http-error.ts';
import { parseTraceId, textParameter } from '../parameters.ts';
import { json, type BodyAnswer, type Exchange, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import { TRACE_ID } from './parameter-docs.ts';

export function lookRoutes(sources: Sources): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/look',
      summary: 'The traces of a file, which is not stored; with `trace`, one of them whole, as columns',
      query: [{ ...TRACE_ID, name: 'trace' }],
      takes: ['application/json', 'application/x-protobuf'],
      gives: {
        'application/json': named('LookedAt'),
        'application/octet-stream': { type: 'string', format: 'binary' },
      },
      errors: [404, 413, 415, 503],
      handle: (exchange) => look(sources, exchange),
    },
  ];
}

async function look(
  { traces, intake, maxRequestBytes }: Sources,
  { request, query }: Exchange,
): Promise<BodyAnswer> {
  const id = textParameter(query, 'trace');
  const traceId = id === null ? null : parseTraceId(id);
  const file = await readBody(request, maxRequestBytes, intake);
  if (traceId === null) return json(await traces.list(file));
  const body = await traces.open(file, traceId);
  if (body === null) throw notFound('trace', traceId, 'the id of a trace in the file');
  return { type: 'application/octet-stream', body };
}
