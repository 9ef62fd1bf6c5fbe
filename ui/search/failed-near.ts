/**
 * The failed trace that a pasted line without an address may come from: one with the line's path or kind of error in
 * it, nearest to its time. And what may be said when there is none. Pure.
 */
import type { TracePage, TraceSummary } from '../../collector/serve/wire.ts';
import { rangeAround } from '../app/range.ts';
import type { Query } from '../app/route.ts';
import type { PastedError } from './pasted-error.ts';

export const FAILED_QUERY = '(timeout:true OR status:error)';

/** A line is written when the call fails; clocks and log buffers differ. */
const NEAR_MS = 60e3;

/** Where to look: around the line's time; without one, in the range that is shown. */
export function rangeOf(error: PastedError): Query {
  if (error.atUnixMs === null) return {};
  return rangeAround(error.atUnixMs, error.host === null ? NEAR_MS : undefined);
}

/** Searches for spans with the line's path, and with its kind of error; null where it names none. */
export function namedQueries(error: PastedError): { path: string | null; type: string | null } {
  const { path, errorType } = error;
  const pattern = path === null ? '' : `"${quoted(`${escaped(path)}(?:[?#\\s]|$)`)}"`;
  return {
    path:
      path === null
        ? null
        : `(url.path:"${path}" OR http.route:"${path}" OR http.target~${pattern} OR url.full~${pattern} OR operation~${pattern})`,
    type:
      errorType === null
        ? null
        : `(error.type:${errorType} OR exception.type~"(?:^|\\\\.)${errorType}$" OR exception.message~"${errorType}")`,
  };
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const quoted = (text: string): string => text.replace(/["\\]/g, '\\$&');

interface Found {
  readonly failed: TracePage;
  /** Traces with the line's path, with its kind of error; null where it names none. */
  readonly withPath: TracePage | null;
  readonly withType: TracePage | null;
}

/** With the path where the line names one, else with the kind of error; nearest in time, or newest. Null: none. */
export function nearestFailed(
  error: PastedError,
  { failed, withPath, withType }: Found,
): TraceSummary | null {
  const idsOf = (page: TracePage | null) => new Set(page?.traces.map((trace) => trace.traceId));
  const [paths, types] = [idsOf(withPath), idsOf(withType)];
  const needed = withPath === null ? types : paths;
  const [best] = failed.traces
    .filter((trace) => needed.has(trace.traceId))
    .toSorted(
      (a, b) =>
        Number(types.has(b.traceId)) - Number(types.has(a.traceId)) || compareTimes(error.atUnixMs, a, b),
    );
  return best ?? null;
}

/** A line may be written this long after its trace ended. */
const LATE_MS = 100;

/** Negative when `a` is nearer: the line was written while it ran, or else least before or after; then by its end. Without a time, by start, as lists are. */
function compareTimes(atUnixMs: number | null, a: TraceSummary, b: TraceSummary): number {
  const startMs = (trace: TraceSummary) => Date.parse(trace.startedAt);
  const endMs = (trace: TraceSummary) => startMs(trace) + trace.durationMs;
  if (atUnixMs === null) return startMs(b) - startMs(a);
  const outsideMs = (trace: TraceSummary) =>
    Math.max(0, startMs(trace) - atUnixMs, atUnixMs - endMs(trace) - LATE_MS);
  return outsideMs(a) - outsideMs(b) || Math.abs(endMs(a) - atUnixMs) - Math.abs(endMs(b) - atUnixMs);
}

/** Why this trace was opened; it is a guess, and says by what. */
export function sayOpened(error: PastedError, isNamed: { path: boolean; type: boolean }): string {
  const names = [
    ...(isNamed.path && error.path !== null ? [error.path] : []),
    ...(isNamed.type && error.errorType !== null ? [error.errorType] : []),
  ].join(' and ');
  return `The ${error.atUnixMs === null ? 'newest' : 'nearest'} failed trace with ${names}.`;
}

/** What was looked for and not found, and what is listed instead. */
export function sayMiss(error: PastedError, listed: number): { title: string; text: string } {
  const { host, port, path, errorType, atUnixMs } = error;
  const title = listed > 0 ? 'No trace is known to belong to this line.' : 'Nothing matched this line.';
  if (host !== null) {
    const address = port === null ? host : `${host}:${port}`;
    const where = atUnixMs === null ? 'in this time range' : 'within 15 minutes of its time';
    return { title, text: `No incident and no failed call to ${address} was found ${where}.` };
  }
  const where = atUnixMs === null ? 'in this time range' : 'within a minute of its time';
  const named = path ?? errorType;
  if (listed === 0) return { title, text: `No failed trace was found ${where}.` };
  const missed =
    named === null
      ? 'It names no address, path or kind of error.'
      : `No failed trace with ${named} was found ${where}.`;
  return { title, text: `${missed} Below is what failed ${where}.` };
}
