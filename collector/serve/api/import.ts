/** What changes the store from outside: `POST /api/import` takes traces from files, `POST /api/purge` deletes all. */
import { toOtlp } from '../formats/to-otlp.ts';
import { HttpError } from '../http-error.ts';
import { json, type BodyAnswer, type Exchange, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Purged } from '../wire.ts';
import { countRefused, takeTraces } from './take-traces.ts';

export function importRoutes(sources: Sources): Route[] {
  const takesTraces: Route = {
    method: 'POST',
    path: '/api/import',
    summary: 'Stores the traces of a file; which format it is shows in its shape',
    takes: ['application/json', 'application/x-protobuf'],
    gives: { 'application/json': named('Imported') },
    errors: [413, 415, 503],
    handle: ({ request }) => importTraces(sources, request),
  };
  return [
    ...countRefused([takesTraces], sources),
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

async function importTraces(sources: Sources, request: Exchange['request']): Promise<BodyAnswer> {
  const isJson = /^\s*application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '');
  // A file is looked at here; the backends that spans are forwarded to may have had it long ago.
  const isForwarded = false;
  const read = (body: Buffer) => toOtlp(body, isJson ? 'json' : null);
  return json(await takeTraces(sources, request, read, isForwarded));
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
