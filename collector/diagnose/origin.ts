/**
 * The origin of a give-up: the segment of its blocking chain that used most of the budget beyond its normal time;
 * without history, most of the budget. Where two are close, the one that was open at the give-up.
 *
 * Many calls in a row to one callee are one candidate together: of 300 queries, the one that happened to be open is
 * not to blame.
 */
import type { Span } from '../span.ts';
import { operationOf } from '../span.ts';
import type { Segment } from './blocking-chain.ts';
import { normalOf, surelyNormalMs, type Normals } from './normals.ts';
import { peerLabel, type TraceNode } from './tree.ts';

export interface OriginSegment {
  /** `repeated`: many calls of one span to one callee, taken together; `node` is the span that made them. */
  readonly type: Segment['type'] | 'repeated';
  /** Of failed attempts of one call, the last. */
  readonly node: TraceNode;
  readonly usedMs: number;
  readonly open: boolean;
  /** The repeated calls or the attempts, in order of time; empty for a single call or own work. */
  readonly calls: readonly TraceNode[];
  /** Of the whole span, when history knows it. */
  readonly normalMs: number | null;
}

/** Excesses closer than this share of the budget are a tie. */
const TIE_SHARE = 0.1;
/** Calls in a row that are looked at together; failed ones are attempts, and two are enough. */
const REPEATED_CALLS_MIN = 5;
const ATTEMPTS_MIN = 2;

export function findOrigin(chain: readonly Segment[], elapsedMs: number, normals: Normals): OriginSegment {
  const candidates = [...chain.map((segment) => weigh(segment, normals)), ...repeatedCalls(chain, normals)];
  const most = candidates.reduce((a, b) => (better(b, a) ? b : a));
  const close = candidates.filter(
    ({ open, excessMs }) => open && excessMs >= most.excessMs - TIE_SHARE * elapsedMs,
  );
  return close.length === 0 || most.open ? most : close.reduce((a, b) => (better(b, a) ? b : a));
}

interface Candidate extends OriginSegment {
  readonly excessMs: number;
}

/** All within their normal time: then the one that used most. */
function better(a: Candidate, b: Candidate): boolean {
  return a.excessMs > b.excessMs || (a.excessMs === b.excessMs && a.usedMs > b.usedMs);
}

function weigh({ node, type, usedMs, open, windowMs }: Segment, normals: Normals): Candidate {
  const normalMs = normalMsOf(node, normals);
  const excessMs = normalMs === null ? usedMs : Math.min(usedMs, Math.max(0, windowMs - normalMs));
  return { type, node, usedMs, open, calls: [], normalMs, excessMs };
}

function normalMsOf(node: TraceNode, normals: Normals): number | null {
  const normal = normalOf(node, normals);
  return normal === null ? null : surelyNormalMs(normal);
}

function repeatedCalls(chain: readonly Segment[], normals: Normals): Candidate[] {
  const groups = new Map<TraceNode, Map<string, Segment[]>>();
  for (const segment of chain) {
    const { node } = segment;
    if (segment.type !== 'edge' || node.parent === null) continue;
    let byName = groups.get(node.parent);
    if (byName === undefined) groups.set(node.parent, (byName = new Map()));
    const key = callKey(node.span);
    const calls = byName.get(key);
    if (calls === undefined) byName.set(key, [segment]);
    else calls.push(segment);
  }
  const found: Candidate[] = [];
  for (const [parent, byName] of groups) {
    for (const group of byName.values()) {
      const candidate = together(parent, group, normals);
      if (candidate !== null) found.push(candidate);
    }
  }
  return found;
}

/** What makes two calls of one span alike: many instrumentations name them all "GET". */
export function callKey(span: Span): string {
  return `${operationOf(span)}\n${peerLabel(span)}`;
}

/** One call that took most of the time alone is that call's, not the repetition's. */
function together(parent: TraceNode, group: readonly Segment[], normals: Normals): Candidate | null {
  const failed = group.filter(({ node }) => node.outcome.giveUp !== null).length;
  const attempts = failed >= ATTEMPTS_MIN && failed >= group.length / 2;
  if (group.length < REPEATED_CALLS_MIN && !attempts) return null;
  let usedMs = 0;
  let longestMs = 0;
  let firstMs = Infinity;
  let lastMs = -Infinity;
  for (const { node, windowMs } of group) {
    usedMs += windowMs;
    longestMs = Math.max(longestMs, windowMs);
    firstMs = Math.min(firstMs, node.startMs);
    lastMs = Math.max(lastMs, node.startMs + windowMs);
  }
  if (!attempts && longestMs > usedMs / 2) return null;
  // What lies between failed attempts is waiting for the next one.
  if (attempts) usedMs = lastMs - firstMs;
  const calls = group.map(({ node }) => node).toSorted((a, b) => a.startMs - b.startMs);
  const open = group.some((segment) => segment.open);
  const rest = { usedMs, open, calls, normalMs: null, excessMs: usedMs };
  const lastFailed = calls.findLast((node) => node.outcome.giveUp !== null);
  return attempts && lastFailed !== undefined
    ? { type: 'edge', node: lastFailed, ...rest }
    : { type: 'repeated', node: parent, ...rest, normalMs: normalMsOf(parent, normals) };
}
