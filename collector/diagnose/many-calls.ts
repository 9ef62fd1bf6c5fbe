/**
 * Many calls in a row of which each took as long as such a call does, and which took longer together than all that their
 * caller normally does: it makes more of them than usual (N+1), and whoever it called is not slow. Pure.
 */
import { normalOf, type Normals } from './normals.ts';
import type { OriginSegment } from './origin.ts';

export interface ManyCalls {
  readonly middleMs: number;
  /** Of such a call. */
  readonly normalMs: number;
  /** Of the span that makes them. */
  readonly callerNormalMs: number;
}

/** Slower than this many times its normal time, a call is slow. */
const SLOW_TIMES = 2;
/** Together so many times what their caller normally takes, they are more than usual. */
const MORE_TIMES = 2;

export function findManyCalls(
  { type, node, calls, usedMs }: OriginSegment,
  normals: Normals,
): ManyCalls | null {
  const [first] = calls;
  if (type !== 'repeated' || first === undefined) return null;
  const callerNormalMs = normalOf(node, normals)?.p50Ms ?? Infinity;
  if (usedMs < MORE_TIMES * callerNormalMs) return null;
  const normal = normalOf(first, normals);
  const durationsMs = calls.map(({ startMs, endMs }) => endMs - startMs).toSorted((a, b) => a - b);
  const middleMs = durationsMs[Math.floor(durationsMs.length / 2)] ?? Infinity;
  if (normal === null || middleMs > SLOW_TIMES * normal.p50Ms) return null;
  return { middleMs, normalMs: normal.p50Ms, callerNormalMs };
}
