/** What the headers of HTTP/2 say of a gRPC call, and how spans name it. Pure. */
import type { Attributes } from '@opentelemetry/api';

/** By their number. https://grpc.io/docs/guides/status-codes/ */
const statusNames = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

export const OK = 0;
export const CANCELLED = 1;
export const DEADLINE_EXCEEDED = 4;

/** The statuses that are a server's own fault; the others are an answer. */
const serverFaults = new Set([2, DEADLINE_EXCEEDED, 12, 13, 14, 15]);

export function isServerFault(code: number): boolean {
  return serverFaults.has(code);
}

export function grpcStatusName(code: number): string {
  return statusNames[code] ?? String(code);
}

export function isGrpc(contentType: unknown): boolean {
  return typeof contentType === 'string' && contentType.startsWith('application/grpc');
}

/** Of `/package.Service/Method`: the name of a span, and what it says of the call. */
export function describeRpc(path: string): { name: string; attributes: Attributes } {
  const name = path.startsWith('/') ? path.slice(1) : path;
  return { name, attributes: { 'rpc.system.name': 'grpc', 'rpc.method': name } };
}

/** The status in headers or trailers; undefined when there is none. */
export function grpcStatusIn(headers: Record<string, unknown> | undefined): number | undefined {
  const value = headers?.['grpc-status'];
  const code = typeof value === 'number' ? value : Number.parseInt(String(value ?? ''), 10);
  return Number.isInteger(code) ? code : undefined;
}

export function grpcMessageIn(headers: Record<string, unknown> | undefined): string {
  const text = headers?.['grpc-message'];
  if (typeof text !== 'string') return '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const unitsMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** How long the caller is willing to wait, of the header `grpc-timeout`: `300m` are 300 milliseconds. */
export function grpcTimeoutMs(header: unknown): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(typeof header === 'string' ? header : '') ?? [];
  return digits === undefined ? undefined : Number(digits) * unitsMs[unit!]!;
}

/** How far a call had come that never got a connection, by what grpc-js says of it: how long the name took, if it is known. */
export function progressIn(details: string): {
  phase: 'dns' | 'connect';
  resolvedAfterMs: number | undefined;
} {
  const [, seconds] = /name resolution: (\d+(?:\.\d+)?)s/.exec(details) ?? [];
  if (seconds !== undefined) return { phase: 'connect', resolvedAfterMs: Number(seconds) * 1000 };
  const isResolving = /waiting for name resolution|name resolution failed/i.test(details);
  return { phase: isResolving ? 'dns' : 'connect', resolvedAfterMs: undefined };
}
