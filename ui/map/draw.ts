/** How the map's numbers become marks: sizes, widths, colour steps, rings, words. Pure. */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';
import { formatShare } from '../format.ts';

export const NODE_WIDTH = 190;
export const NODE_HEIGHT = 44;
/** From node to node within a column. */
export const ROW_PITCH = NODE_HEIGHT + 30;
/** The user is a circle at the right end of its place, where its calls begin. */
export const USER_RADIUS = 20;

/** How far a node's drawing reaches to the left of its place's centre. */
export function leftReach(node: Pick<MapNode, 'kind'>): number {
  return node.kind === 'user' ? 2 * USER_RADIUS - NODE_WIDTH / 2 : NODE_WIDTH / 2;
}

/** Upper bounds of the colour steps of p95, in milliseconds; the last step has none. */
export const LATENCY_STEPS_MS = [5, 20, 50, 200] as const;

export function latencyStep(p95Ms: number): number {
  const step = LATENCY_STEPS_MS.findIndex((limit) => p95Ms <= limit);
  return step === -1 ? LATENCY_STEPS_MS.length : step;
}

/** Steps of the share of calls that failed: none, below 1 %, below 5 %, below 20 %, more. */
export function failureStep(calls: Counts): number {
  const share = failedShare(calls);
  return [0, 0.01, 0.05, 0.2].filter((limit) => share > limit).length;
}

/** Signs of a ring and of a failing node, drawn around 0,0: what timed out, and what failed otherwise. */
export const TIMEOUT_SIGN = 'M-3-4.5h6M-3 4.5h6M-2.5-4.3v1.6L0 0l2.5-2.7v-1.6M-2.5 4.3v-1.6L0 0l2.5 2.7v1.6';
export const ERROR_SIGN = 'M-3-3l6 6M3-3l-6 6';
/** Of the lines of edges that time out, and that fail otherwise. */
export const TIMEOUT_DASH = [7, 4];
export const FAILING_DASH = [2, 3];

interface Counts {
  readonly calls: number;
  readonly errors: number;
  readonly timeouts: number;
}

export function failedShare({ calls, errors, timeouts }: Counts): number {
  return calls === 0 ? 0 : (errors + timeouts) / calls;
}

/** Among more lines each has less room. */
const THIN_FROM_EDGES = 60;
const THIN_SHARE = 0.6;

/** From 1.25 to 6 px by the square root of the rate, relative to the busiest of so many edges; less when they are many. */
export function edgeWidth(calls: number, busiestCalls: number, edges: number): number {
  const share = edges < THIN_FROM_EDGES ? 1 : THIN_SHARE;
  return share * (busiestCalls <= 0 ? 1.25 : 1.25 + 4.75 * Math.sqrt(calls / busiestCalls));
}

/** The outcomes in ring order, as shares that add up to 1; a node without calls is an empty ring. */
export function ringShares({ calls, errors, timeouts }: Counts): {
  ok: number;
  error: number;
  timeout: number;
} {
  if (calls === 0) return { ok: 0, error: 0, timeout: 0 };
  const timeout = Math.min(1, timeouts / calls);
  const error = Math.min(1 - timeout, errors / calls);
  return { ok: 1 - timeout - error, error, timeout };
}

export interface RingPart {
  readonly outcome: 'timeout' | 'error' | 'ok' | 'none';
  /** In turns from the top, clockwise: 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/** A single failure among thousands must still be seen. */
const SEEN_SHARE = 0.05;

/** The ring as it is drawn: timeouts begin at the top, what failed is never too thin to see. */
export function ringParts(counts: Counts): RingPart[] {
  const shares = ringShares(counts);
  const timeout = shares.timeout > 0 ? Math.max(SEEN_SHARE, shares.timeout) : 0;
  const error = shares.error > 0 ? Math.max(SEEN_SHARE, shares.error) : 0;
  const failed = Math.min(1, timeout + error);
  return [
    { outcome: 'timeout', from: 0, to: timeout },
    { outcome: 'error', from: timeout, to: failed },
    { outcome: counts.calls === 0 ? 'none' : 'ok', from: failed, to: 1 },
  ];
}

/** The phase most timeouts of an edge were stuck in; null when that is not recorded. */
function worstPhase({ timeoutPhases }: Pick<MapEdge, 'timeoutPhases'>): string | null {
  const phases = Object.entries(timeoutPhases).filter(([, count]) => count > 0);
  const [worst] = phases.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return worst === undefined || worst[0] === 'none' ? null : worst[0];
}

/** The share of all calls that time out, and what most of these are stuck in: `12 % connect`, `12 % time out`. */
export function timeoutBadge(edge: MapEdge): string | null {
  if (edge.timeouts === 0) return null;
  return `${timeoutShare(edge)} ${worstPhase(edge) ?? 'time out'}`;
}

/** The same, then shorter for where there is no room: the share, and nothing beside the hourglass. */
export function timeoutBadges(edge: MapEdge): string[] {
  const full = timeoutBadge(edge);
  return full === null ? [] : [full, timeoutShare(edge), ''];
}

/** Fewer failed calls than this share are told by the callee's ring: the last step of the colours is more. */
const FAILING_SHARE = 0.2;

/** Whether so many calls fail, and not by their timeouts, that the edge as a whole looks so. */
export function isFailing(edge: Counts): boolean {
  return edge.timeouts === 0 && failedShare(edge) > FAILING_SHARE;
}

/** The share of all calls that fail: `100 % fail`, then shorter, down to the cross. */
export function failureBadges(edge: Counts): string[] {
  const share = formatShare(failedShare(edge));
  return [`${share} fail`, share, ''];
}

/** The same in words, where there is room: `12 % of calls time out, most in connect`. */
export function sayTimeouts(edge: MapEdge): string | null {
  if (edge.timeouts === 0) return null;
  const phase = worstPhase(edge);
  return `${timeoutShare(edge)} of calls time out${phase === null ? '' : `, most in ${phase}`}`;
}

const timeoutShare = ({ timeouts, calls }: MapEdge): string => formatShare(timeouts / Math.max(1, calls));
