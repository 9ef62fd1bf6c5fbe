/**
 * Many calls in a row: whether their caller makes more of them than usual (N+1), or as many as ever. What is known are durations:
 * so many calls, had each taken what such a call does, against all that their caller normally does. Pure.
 */
import { normalOf, type NormalDuration, type Normals } from './normals.ts';
import type { OriginSegment } from './origin.ts';

export interface ManyCalls {
  /** Than usual, each as fast as ever. */
  readonly areMore: boolean;
  /** Otherwise what is known leaves it open, and `areMore` is what it leans to. */
  readonly isSure: boolean;
  /** How long they took on average. */
  readonly meanMs: number;
  /** Of such a call. */
  readonly normal: NormalDuration;
  /** Of the span that makes them. */
  readonly caller: NormalDuration;
}

/** What such calls normally take is together so many times what their caller does: there are more of them than usual. */
const MORE_TIMES = 2;
/** Calls that take up to so many times as long as others are as fast as ever: a few slow ones are always among them. */
const AS_EVER_TIMES = 1.5;

/** null where they are not many, or nothing is known of them. */
export function findManyCalls(
  { type, node, calls, usedMs }: OriginSegment,
  normals: Normals,
): ManyCalls | null {
  const [first] = calls;
  if (type !== 'repeated' || first === undefined) return null;
  const [normal, caller] = [normalOf(first, normals), normalOf(node, normals)];
  if (normal === null || caller === null) return null;
  const meanMs = usedMs / calls.length;
  const isMany = calls.length * normal.p50Ms >= MORE_TIMES * caller.p50Ms;
  const areMore = isMany && meanMs <= AS_EVER_TIMES * normal.p50Ms;
  // One name may stand for calls of many kinds, of several databases say: these may always have been quick ones.
  const areAllSlow = calls.length * normal.p10Ms >= MORE_TIMES * caller.p50Ms && normal.p50Ms <= caller.p50Ms;
  return { areMore, isSure: areMore ? areAllSlow : !isMany, meanMs, normal, caller };
}
