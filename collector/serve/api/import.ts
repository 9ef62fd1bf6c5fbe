/** What changes the store from outside: `POST /api/import` takes traces from files, `POST /api/purge` deletes all. */
import { readBody } from '../../receive/read-body.ts';
import { Cancelled, StoreUnavailable } from '../../store/store.ts';
import { toOtlp } from '../formats/to-otlp.ts';
import { HttpError } from '../http-error.ts';
import { json, type BodyAnswer, type Exchange, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Imported, Purged } from '../wire.ts';

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
    const isJson = /^\s*application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '');
    const otlp = toOtlp(await readBody(request, maxRequestBytes, intake), isJson ? 'json' : null);
    const { stored, duplicate, refused, refusedMessage, warning } = await intake.accept(otlp);
    return json({ stored, duplicate, refused, message: refusedMessage || warning } satisfies Imported);
  } catch (error) {
    // What is to be tried again later, the intake has counted itself; who went away was refused nothing.
    if (!(error instanceof StoreUnavailable || error instanceof Cancelled)) intake.noteRefused();
    throw error;
  }
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
