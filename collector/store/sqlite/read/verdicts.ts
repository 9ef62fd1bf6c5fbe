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
  readonly give_up_unix_ms: number;
  readonly first_unix_ms: number;
  readonly last_unix_ms: number;
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
    `SELECT trace_id, ordinal, fingerprint, give_up_unix_ms,
       (SELECT min(give_up_unix_ms) FROM verdict AS any WHERE any.fingerprint = verdict.fingerprint) AS first_unix_ms,
       (SELECT max(give_up_unix_ms) FROM verdict AS any WHERE any.fingerprint = verdict.fingerprint) AS last_unix_ms,
       entry_service, entry_operation, verdict_json, text_id, text_place
     FROM verdict WHERE give_up_start_unix_ms >= ? AND give_up_start_unix_ms < ?
     ORDER BY give_up_start_unix_ms DESC LIMIT ?`,
  );

  const ofTrace = database.prepare<[Buffer], VerdictPlace>(
    'SELECT verdict_json, text_id, text_place FROM verdict WHERE trace_id = ? ORDER BY ordinal',
  );

  const isDue = database
    .prepare<[Buffer], number>('SELECT EXISTS (SELECT 1 FROM undiagnosed_trace WHERE trace_id = ?)')
    .pluck();

  const verdictsOf = (id: Buffer): Verdict[] =>
    ofTrace
      .all(id)
      .map(textOf)
      .filter((json) => json !== null)
      .map(parseVerdict);

  return {
    /** null where nothing was said, or the trace is due again. */
    readKept(traceId: string): Verdict[] | null {
      const id = Buffer.from(traceId, 'hex');
      if (isDue.get(id) === 1) return null;
      const kept = verdictsOf(id);
      return kept.length === 0 ? null : kept;
    },
    readHostViews: (traceId: string): HostView[] =>
      verdictsOf(Buffer.from(traceId, 'hex')).flatMap(({ hosts }) => hosts),
    readUndiagnosed({ quietMs, waitMs }: Patience, limit: number) {
      const nowUnixMs = Date.now();
      const ids = due.all(nowUnixMs - quietMs, nowUnixMs - waitMs, limit);
      return { traceIds: ids.map((id) => id.toString('hex')), backlog: backlog.get() ?? 0 };
    },
    readVerdicts: (range: TimeRange): VerdictRow[] =>
      inRange.all(range.fromUnixMs, range.toUnixMs, VERDICTS_MAX).flatMap((row) => {
        const json = textOf(row);
        return json === null ? [] : [verdictRow(row, json)];
      }),
  };
}

function verdictRow(row: Row, json: string): VerdictRow {
  return {
    traceId: row.trace_id.toString('hex'),
    ordinal: row.ordinal,
    fingerprint: row.fingerprint,
    atUnixMs: row.give_up_unix_ms,
    seenUnixMs: { first: row.first_unix_ms, last: row.last_unix_ms },
    entry: { service: row.entry_service, operation: row.entry_operation },
    verdict: parseVerdict(json),
  };
}

/** What an older version kept has no hosts. */
function parseVerdict(json: string): Verdict {
  const verdict = JSON.parse(json) as Omit<Verdict, 'hosts'> & Partial<Verdict>;
  return { ...verdict, hosts: verdict.hosts ?? [] };
}
