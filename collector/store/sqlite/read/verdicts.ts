/** Reads which traces are due for diagnosis, and what earlier diagnoses said. */
import type { HostView } from '../../../diagnose/hosts/host-view.ts';
import type { Verdict } from '../../../diagnose/verdict.ts';
import type { VerdictRow } from '../../../query/results.ts';
import type { Patience, TimeRange } from '../../store.ts';
import type { Connection } from '../open-database.ts';
import type { VerdictPlace, VerdictTexts } from '../verdict-texts.ts';

const VERDICTS_MAX = 20_000;

interface Row extends VerdictPlace {
  readonly trace_id: Buffer;
  readonly ordinal: number;
  readonly fingerprint: string;
  readonly cause: string;
  readonly origin_span_id: Buffer;
  readonly give_up_unix_ms: number;
  readonly entry_service: string;
  readonly entry_operation: string;
}

export function createVerdictReader(database: Connection, textOf: VerdictTexts) {
  const due = database
    .prepare<[number, number, number], Buffer>(
      `SELECT trace_id FROM undiagnosed_trace WHERE last_arrived_unix_ms <= ? OR waiting_since_unix_ms <= ?
       ORDER BY waiting_since_unix_ms LIMIT ?`,
    )
    .pluck();
  const backlog = database.prepare<[], number>('SELECT count(*) FROM undiagnosed_trace').pluck();
  const inRange = database.prepare<[number, number, number], Row>(
    `SELECT trace_id, ordinal, fingerprint, cause, origin_span_id, give_up_unix_ms, entry_service, entry_operation,
       verdict_json, text_id, text_place
     FROM verdict WHERE give_up_start_unix_ms >= ? AND give_up_start_unix_ms < ?
     ORDER BY give_up_start_unix_ms DESC LIMIT ?`,
  );

  const seen = database.prepare<{ fingerprint: string }, VerdictRow['seenUnixMs']>(
    // Each by the index: asked for together, all of them would be gone through.
    `SELECT (SELECT min(give_up_unix_ms) FROM verdict WHERE fingerprint = @fingerprint) AS first,
       (SELECT max(give_up_unix_ms) FROM verdict WHERE fingerprint = @fingerprint) AS last`,
  );

  const ofTrace = database.prepare<[Buffer], VerdictPlace>(
    'SELECT verdict_json, text_id, text_place FROM verdict WHERE trace_id = ? ORDER BY ordinal',
  );

  const ofTraces = database
    .prepare<[string], Buffer>(
      'SELECT DISTINCT trace_id FROM verdict WHERE trace_id IN (SELECT unhex(value) FROM json_each(?))',
    )
    .pluck();

  const isDue = database
    .prepare<[Buffer], number>('SELECT EXISTS (SELECT 1 FROM undiagnosed_trace WHERE trace_id = ?)')
    .pluck();

  /** null for each that cannot be read. */
  const verdictsOf = (id: Buffer): (Verdict | null)[] =>
    ofTrace
      .all(id)
      .map(textOf)
      .map((json) => (json === null ? null : parseVerdict(json)));

  return {
    /** null where nothing was said, not all of it can be read, or the trace is due again. */
    readKept(traceId: string): Verdict[] | null {
      const id = Buffer.from(traceId, 'hex');
      if (isDue.get(id) === 1) return null;
      const kept = verdictsOf(id);
      return kept.length > 0 && kept.every((verdict) => verdict !== null) ? kept : null;
    },
    /** Those of these traces that anything was said of. */
    someJudged: (traceIds: readonly string[]): ReadonlySet<string> =>
      new Set(ofTraces.all(JSON.stringify(traceIds)).map((id) => id.toString('hex'))),
    readHostViews: (traceId: string): HostView[] =>
      verdictsOf(Buffer.from(traceId, 'hex')).flatMap((verdict) => verdict?.hosts ?? []),
    readUndiagnosed({ quietMs, waitMs }: Patience, limit: number) {
      const nowUnixMs = Date.now();
      const ids = due.all(nowUnixMs - quietMs, nowUnixMs - waitMs, limit);
      return { traceIds: ids.map((id) => id.toString('hex')), backlog: backlog.get() ?? 0 };
    },
    /** Where none of a fingerprint and cause can be read, its rows are left out. */
    readVerdicts(range: TimeRange): VerdictRow[] {
      const seenUnixMs = new Map<string, VerdictRow['seenUnixMs']>();
      const told = new Set<string>();
      const rows = inRange.all(range.fromUnixMs, range.toUnixMs, VERDICTS_MAX).map((row) => {
        const { fingerprint } = row;
        if (!seenUnixMs.has(fingerprint)) seenUnixMs.set(fingerprint, seen.get({ fingerprint })!);
        const json = told.has(kindOf(row)) ? null : textOf(row);
        if (json !== null) told.add(kindOf(row));
        return verdictRow(row, seenUnixMs.get(fingerprint)!, json);
      });
      return rows.filter((row) => told.has(kindOf(row)));
    },
  };
}

function kindOf({ fingerprint, cause }: Pick<Row, 'fingerprint' | 'cause'>): string {
  return `${fingerprint} ${cause}`;
}

function verdictRow(row: Row, seenUnixMs: VerdictRow['seenUnixMs'], json: string | null): VerdictRow {
  return {
    traceId: row.trace_id.toString('hex'),
    ordinal: row.ordinal,
    fingerprint: row.fingerprint,
    cause: row.cause,
    originSpanId: row.origin_span_id.toString('hex'),
    atUnixMs: row.give_up_unix_ms,
    seenUnixMs,
    entry: { service: row.entry_service, operation: row.entry_operation },
    verdict: json === null ? null : parseVerdict(json),
  };
}

/** What an older version kept has no hosts, or none that rules could judge by. */
function parseVerdict(json: string): Verdict {
  const verdict = JSON.parse(json) as Omit<Verdict, 'hosts'> & Partial<Verdict>;
  return { ...verdict, hosts: (verdict.hosts ?? []).filter((view) => 'processes' in view) };
}
