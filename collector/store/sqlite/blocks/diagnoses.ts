/** Keeps what the diagnosis said of a trace, and whether the trace waits for another. */
import { fingerprintOf } from '../../../query/incidents.ts';
import { OK } from '../../columns/codes.ts';
import { traceIdOf, type SpanTable } from '../../columns/span-table.ts';
import type { DiagnosisToSave } from '../../store.ts';
import type { Connection } from '../open-database.ts';

export interface DiagnosisWriter {
  /** Whether the trace waits to be diagnosed. */
  isAwaited(traceId: string): boolean;
  /** Whether these spans make a trace wait: they failed, or their trace did before. */
  mayChange(tables: readonly SpanTable[]): boolean;
  /** Replaces the trace's verdicts. It waits on if it has more spans than the diagnosis was made from. */
  save(saved: DiagnosisToSave): void;
}

export function createDiagnosisWriter(database: Connection): DiagnosisWriter {
  const find = database.prepare<[Buffer], { span_count: number; last_arrived_unix_ms: number }>(
    'SELECT span_count, last_arrived_unix_ms FROM undiagnosed_trace WHERE trace_id = ?',
  );
  const clear = database.prepare<[Buffer]>('DELETE FROM verdict WHERE trace_id = ?');
  const insert = database.prepare(`INSERT INTO verdict VALUES (${'?, '.repeat(15)}?)`);
  const forget = database.prepare<[Buffer]>('DELETE FROM undiagnosed_trace WHERE trace_id = ?');
  const waitAnew = database.prepare<[number, Buffer]>(
    'UPDATE undiagnosed_trace SET waiting_since_unix_ms = ? WHERE trace_id = ?',
  );

  const isKnown = database
    .prepare<{ traceId: Buffer }, number>(
      `SELECT EXISTS (SELECT 1 FROM verdict WHERE trace_id = @traceId)
         OR EXISTS (SELECT 1 FROM undiagnosed_trace WHERE trace_id = @traceId)`,
    )
    .pluck();

  function mayChange(table: SpanTable): boolean {
    const traceIds = new Set<string>();
    for (let row = 0; row < table.rows; row++) {
      if (table.outcome[row] !== OK) return true;
      traceIds.add(traceIdOf(table, row));
    }
    for (const traceId of traceIds)
      if (isKnown.get({ traceId: Buffer.from(traceId, 'hex') }) === 1) return true;
    return false;
  }

  return {
    mayChange: (tables) => tables.some(mayChange),
    isAwaited: (traceId) => find.get(Buffer.from(traceId, 'hex')) !== undefined,
    save: database.transaction(({ diagnosis, spanCount, entry, startsUnixMs }: DiagnosisToSave) => {
      const traceId = Buffer.from(diagnosis.traceId, 'hex');
      const waiting = find.get(traceId);
      // Retention took the trace meanwhile.
      if (waiting === undefined) return;
      clear.run(traceId);
      for (const [ordinal, verdict] of diagnosis.verdicts.entries()) {
        const { giveUp, origin, phase, cause, category } = verdict;
        const atUnixMs = Date.parse(giveUp.at);
        insert.run(
          traceId,
          ordinal,
          waiting.last_arrived_unix_ms,
          fingerprintOf(origin.edge, phase, giveUp.kind),
          origin.edge,
          phase,
          giveUp.kind,
          cause,
          category,
          Buffer.from(giveUp.spanId, 'hex'),
          Buffer.from(origin.spanId, 'hex'),
          startsUnixMs[ordinal] ?? atUnixMs,
          atUnixMs,
          entry.service,
          entry.operation,
          JSON.stringify(verdict),
        );
      }
      if (waiting.span_count > spanCount) waitAnew.run(Date.now(), traceId);
      else forget.run(traceId);
    }),
  };
}
