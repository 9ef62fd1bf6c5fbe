/**
 * How long an operation normally takes. For a server that is its own durations, those that ended after a caller had
 * given up included: what callers saw is cut off at their budgets, so it says nothing about what a budget should be.
 */
import type { SpanKind } from '../span.ts';
import { operationOf } from '../span.ts';
import type { TraceNode } from './tree.ts';

export interface NormalDuration {
  readonly count: number;
  readonly p50Ms: number;
  /** One in ten takes no longer. */
  readonly p10Ms: number;
  /** One in ten takes as long or longer. */
  readonly p90Ms: number;
}
/** By `normalKey`. Whoever gives them may read them when the first is asked for: most verdicts need none. */
export type Normals = Pick<ReadonlyMap<string, NormalDuration>, 'get'>;

/** Fewer durations than this are no history. */
export const NORMAL_COUNT_MIN = 20;

/**
 * Where the middle is so many times what one in ten takes, durations do not say how long the work takes: many calls may have
 * waited in queues before a server that has too much to do, or some find in a cache what others compute.
 */
const SPREAD_TIMES = 4;

export function isSpread({ p10Ms, p50Ms }: NormalDuration): boolean {
  return p50Ms >= SPREAD_TIMES * p10Ms;
}

/** One in ten takes so many times what the middle does: some compute what others find in a cache. */
export function hasSlowTail({ p50Ms, p90Ms }: NormalDuration): boolean {
  return p90Ms >= SPREAD_TIMES * p50Ms;
}

/** What is normal for sure. */
export function surelyNormalMs(normal: NormalDuration): number {
  return isSpread(normal) ? normal.p10Ms : normal.p50Ms;
}

/** By enough of them to say so. */
export function isSurelySpread(known: NormalDuration | null): known is NormalDuration {
  return known !== null && known.count >= NORMAL_COUNT_MIN && isSpread(known);
}

export function normalKey(service: string, operation: string, kind: SpanKind): string {
  return `${service}\n${operation}\n${kind}`;
}

/** null without enough history. */
export function normalOf(node: TraceNode, normals: Normals): NormalDuration | null {
  const known = knownOf(node, normals);
  return known !== null && known.count >= NORMAL_COUNT_MIN ? known : null;
}

/** Of however few; null where none is known. */
export function knownOf(node: TraceNode, normals: Normals): NormalDuration | null {
  return normals.get(normalKey(node.service, operationOf(node.span), node.span.kind)) ?? null;
}
