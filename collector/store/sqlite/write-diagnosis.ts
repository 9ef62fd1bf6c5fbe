/** Replaces the verdicts of a trace, and marks it as diagnosed unless spans arrived meanwhile. */
import { fingerprintOf } from '../../query/incidents.ts';
import type { Diagnosis, Verdict } from '../../diagnose/verdict.ts';
import type { Connection } from './open-database.ts';

export interface DiagnosisToSave {
  readonly diagnosis: Diagnosis;
  readonly spanCount: number;
}

export function createDiagnosisWriter(database: Connection): (saved: DiagnosisToSave) => void {
  const findTrace = database
    .prepare<[Buffer], number>('SELECT trace_key FROM trace WHERE trace_id = ?')
    .pluck();
  const findStart = database
    .prepare<unknown[], number>(
      'SELECT min(start_unix_ns) / 1e6 FROM span WHERE trace_key = ? AND span_id = ?',
    )
    .pluck();
  // The entry is the root: the span without a parent, else the earliest.
  const findEntry = database.prepare<[number], { service: string; name: string }>(
    `SELECT operation.service, operation.name FROM span JOIN operation USING (operation_id)
     WHERE trace_key = ? ORDER BY parent_span_id IS NOT NULL, start_unix_ns, span_key LIMIT 1`,
  );
  const clear = database.prepare('DELETE FROM verdict WHERE trace_key = ?');
  const add = database.prepare(`INSERT INTO verdict VALUES (${'?, '.repeat(14)}?)`);
  const markDiagnosed = database.prepare(
    'UPDATE trace SET undiagnosed_since_unix_ms = iif(span_count = @spanCount, NULL, @nowUnixMs) WHERE trace_key = @traceKey',
  );

  function addVerdict(traceKey: number, ordinal: number, verdict: Verdict): void {
    const { giveUp, origin, phase, cause, category } = verdict;
    const entry = findEntry.get(traceKey);
    const giveUpId = Buffer.from(giveUp.spanId, 'hex');
    const atUnixMs = Date.parse(giveUp.at);
    add.run(
      traceKey,
      ordinal,
      fingerprintOf(origin.edge, phase, giveUp.kind),
      origin.edge,
      phase,
      giveUp.kind,
      cause,
      category,
      giveUpId,
      Buffer.from(origin.spanId, 'hex'),
      findStart.get(traceKey, giveUpId) ?? atUnixMs,
      atUnixMs,
      entry?.service ?? giveUp.service,
      entry?.name ?? '',
      JSON.stringify(verdict),
    );
  }

  return database.transaction(({ diagnosis, spanCount }: DiagnosisToSave) => {
    const traceKey = findTrace.get(Buffer.from(diagnosis.traceId, 'hex'));
    // Retention took the trace meanwhile.
    if (traceKey === undefined) return;
    clear.run(traceKey);
    diagnosis.verdicts.forEach((verdict, ordinal) => addVerdict(traceKey, ordinal, verdict));
    markDiagnosed.run({ traceKey, spanCount, nowUnixMs: Date.now() });
  });
}
