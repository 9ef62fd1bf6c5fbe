/** Reads our HTTP API: JSON or an `ApiError` that says what was got, what was expected, and where. */
import type { WireError } from '../../collector/serve/wire.ts';
import { takeAhead } from './ahead.ts';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly expected: string | null;
  /** Zero-based character of a bad query. */
  readonly position: number | null;
  constructor(status: number, message: string, expected: string | null, position: number | null) {
    super(message);
    this.status = status;
    this.expected = expected;
    this.position = position;
  }
}

/** Parameters that are null or '' are left out. */
export function apiUrl(
  path: string,
  parameters: Record<string, string | number | null | undefined> = {},
): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

export const columnsUrl = (traceId: string): string => `/api/traces/${traceId}?format=columns`;

/** Of the incidents as the URL of their view asks for them; only an opened one says what its calls share. */
export function timeoutsUrl({ from, to, state, kind }: Readonly<Record<string, string | undefined>>): string {
  return apiUrl('/api/timeouts', { from, to, state, kind, compare: 'false', limit: 1000 });
}

/** Of the map as the URL of its view asks for it, a window of its range apart. */
export function mapUrl({ from, to, focus, hops }: Readonly<Record<string, string | undefined>>): string {
  return apiUrl('/api/map', { from, to, focus, hops });
}

/** Of latency as the URL of its view asks for it, but for what of it is chosen. */
export function latencyUrl(query: Readonly<Record<string, string | undefined>>): string {
  const { service, op, peer, phase, from, to } = query;
  return apiUrl('/api/latency', { service, operation: op, peer, phase, from, to });
}

export async function getJson<T>(url: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(url, {
    headers: { accept: 'application/json' },
    ...(signal ? { signal } : {}),
  });
  return (await response.json()) as T;
}

export async function getBytes(url: string, init: RequestInit = {}): Promise<ArrayBuffer> {
  return (await ask(url, init)).arrayBuffer();
}

/** A good answer, or an ApiError. */
export async function ask(url: string, init: RequestInit): Promise<Response> {
  const response = await (takeAhead(url, init.signal) ?? fetch(url, init)).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, 'The collector does not answer.', 'a running collector at this address', null);
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => null)) as WireError | null;
  const error = body?.error;
  throw new ApiError(
    response.status,
    error?.message ?? `The collector answered ${response.status}.`,
    error?.expected ?? null,
    error?.position ?? null,
  );
}
