/**
 * What changed since the reading before: traces, the map, incidents. The first reading only remembers, because what
 * was there before is no news.
 *
 * What was seen is remembered as a digest per trace and incident.
 */
import { createHash } from 'node:crypto';
import type { TimeRange } from '../store/store.ts';
import { readStatus } from './api/status.ts';
import type { Sources } from './sources.ts';
import type { LiveEvents } from './wire.ts';

const TRACE_WINDOW_MS = 15 * 60_000;
const TRACES_PER_READING = 50;
const MAP_WINDOW_MS = 60 * 60_000;
/** Traces and incidents whose last state is remembered; beyond, the one not seen for longest is forgotten. */
const REMEMBERED_MAX = 5000;

type Tell = <Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]) => void;

/** A quick reading leaves out what is costly: the map and the incidents, and traces when nothing was stored. */
export function createChangeReader(sources: Sources, tell: Tell): { read(isQuick: boolean): Promise<void> } {
  const { query } = sources;
  const news = rememberNews(REMEMBERED_MAX);
  let storedBefore: number | null = null;

  async function readTraces(range: TimeRange): Promise<LiveEvents['trace'][]> {
    const filters = { q: '', service: null, operation: null, minDurationMs: null, maxDurationMs: null };
    const order = { sort: 'newest', limit: TRACES_PER_READING, cursor: null } as const;
    const { traces } = await query.searchTraces({ range, ...filters, ...order });
    return traces.toReversed().filter((trace) => news.isNew(`trace ${trace.traceId}`, trace));
  }

  async function readMap(range: TimeRange): Promise<LiveEvents['map'] | null> {
    const { from, to, nodes, edges } = await query.map(range, null, 0);
    const isNew = news.isNew('map', { nodes, edges });
    return isNew ? { from, to, nodes: nodes.length, edges: edges.length } : null;
  }

  async function readIncidents(range: TimeRange): Promise<LiveEvents['incident'][]> {
    const { incidents } = await query.incidents(range, null, null);
    return incidents.filter((incident) => {
      // The series and the share move with the clock alone.
      const { series: _series, share: _share, ...rest } = incident;
      return news.isNew(`incident ${incident.fingerprint}`, rest);
    });
  }

  return {
    async read(isQuick) {
      const isFirst = storedBefore === null;
      const status = await readStatus(sources);
      if (!isFirst) tell('status', status);
      const toUnixMs = Date.now();
      const hour = { fromUnixMs: toUnixMs - MAP_WINDOW_MS, toUnixMs };
      const hasGrown = status.spans.stored !== storedBefore;
      const traces =
        hasGrown || !isQuick ? await readTraces({ fromUnixMs: toUnixMs - TRACE_WINDOW_MS, toUnixMs }) : [];
      const map = isQuick ? null : await readMap(hour);
      const incidents = isQuick ? [] : await readIncidents(hour);
      storedBefore = status.spans.stored;
      if (isFirst) return;
      for (const trace of traces) tell('trace', trace);
      if (map !== null) tell('map', map);
      for (const incident of incidents) tell('incident', incident);
    },
  };
}

/** Tells whether a value differs from the one given under the same key before. */
export function rememberNews(max: number): { isNew(key: string, value: unknown): boolean } {
  const digests = new Map<string, string>();
  return {
    isNew(key, value) {
      const digest = createHash('sha256').update(JSON.stringify(value)).digest('base64');
      const isNew = digests.get(key) !== digest;
      // Set anew, it moves to the end: what is seen again and again is not forgotten.
      digests.delete(key);
      digests.set(key, digest);
      const [oldest] = digests.keys();
      if (digests.size > max && oldest !== undefined) digests.delete(oldest);
      return isNew;
    },
  };
}
