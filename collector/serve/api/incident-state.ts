/** What someone says of an incident: that it is known, or that nobody wants to hear of it for a while. */
import { readBody } from '../../receive/read-body.ts';
import type { IncidentStateChange } from '../../store/store.ts';
import { badParameter, clip, notFound } from '../http-error.ts';
import { parseTime } from '../parameters.ts';
import { json, type Route } from '../route.ts';
import { named } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { IncidentState } from '../wire.ts';
import { FINGERPRINT } from './parameter-docs.ts';

export const STATE_BYTES_MAX = 4_096;
const EXPECTED = '{"acknowledged": true or false, "mutedUntil": a time to come or null}, either or both';

export function incidentStateRoutes({ store, intake }: Sources): Route[] {
  return [
    {
      method: 'PUT',
      path: '/api/timeouts/:fingerprint/state',
      summary: 'Acknowledge an incident until it is over, or mute it until a time',
      segments: [FINGERPRINT],
      takes: ['application/json'],
      gives: { 'application/json': named('IncidentState') },
      errors: [404, 413, 415, 503],
      handle: async ({ request, path, nowUnixMs }) => {
        const fingerprint = path.fingerprint ?? '';
        const body = await readBody(request, STATE_BYTES_MAX, intake);
        const change = readStateChange(body.toString(), nowUnixMs);
        if (!(await store.changeIncidentState({ fingerprint, ...change }))) {
          throw notFound('incident', fingerprint, 'the fingerprint of an incident that is stored');
        }
        const states = await store.readIncidentStates();
        const state = states.find((other) => other.fingerprint === fingerprint);
        const mutedUntil = state?.mutedUntilUnixMs ?? null;
        return json({
          acknowledged: state?.acknowledged ?? false,
          mutedUntil: mutedUntil === null ? null : new Date(mutedUntil).toISOString(),
        } satisfies IncidentState);
      },
    },
  ];
}

export function readStateChange(text: string, nowUnixMs: number): Omit<IncidentStateChange, 'fingerprint'> {
  const { acknowledged, mutedUntil, ...others } = readObject(text);
  const [other] = Object.keys(others);
  if (other !== undefined) throw badParameter(clip(other), 'it', EXPECTED);
  if (acknowledged === undefined && mutedUntil === undefined) throw badParameter('body', text, EXPECTED);
  if (acknowledged !== undefined && typeof acknowledged !== 'boolean') {
    throw badParameter('acknowledged', JSON.stringify(acknowledged), 'true or false');
  }
  return {
    ...(acknowledged !== undefined && { acknowledged }),
    ...(mutedUntil !== undefined && { mutedUntilUnixMs: readMutedUntil(mutedUntil, nowUnixMs) }),
  };
}

function readObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badParameter('body', (error as Error).message, EXPECTED);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badParameter('body', text, EXPECTED);
  }
  return { ...value };
}

function readMutedUntil(value: unknown, nowUnixMs: number): number | null {
  if (value === null) return null;
  const unixMs =
    typeof value === 'string' || typeof value === 'number'
      ? parseTime('mutedUntil', String(value), nowUnixMs)
      : NaN;
  if (!(unixMs > nowUnixMs))
    throw badParameter('mutedUntil', JSON.stringify(value), 'a time to come, or null');
  return Math.round(unixMs);
}
