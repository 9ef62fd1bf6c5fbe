/** Keeps what the diagnosis said of a trace, and whether the trace waits for another. */
import { fingerprintOf } from '../../../query/incidents.ts';
import { OK } from '../../columns/codes.ts';
import { traceIdOf, type SpanTable } from '../../columns/span-table.ts';
import type { DiagnosisToSave } from '../../store.ts';
import type { Connection } from '../open-database.ts';
import { createAcknowledgements } from './incident-states.ts';
import { packVerdicts, VERDICTS_TOGETHER } from '../verdict-texts.ts';

export interface DiagnosisWriter {
  /** Whether the trace waits to be diagnosed, or was. */
  isKnown(traceId: string): boolean;
  /** Whether these spans make a trace wait: they failed, or their trace did before. */
  mayChange(tables: readonly SpanTable[]): boolean;
  /**
   * Replaces the traces' verdicts, in one transaction. A trace waits on if it has more spans than the diagnosis was made
   * from.
   */
  save(group: readonly DiagnosisToSave[]): void;
}

interface NewVerdict extends Pick<DiagnosisToSave, 'entry'> {
  readonly traceId: Buffer;
  readonly ordinal: number;
  readonly arrivedUnixMs: number;
  readonly verdict: DiagnosisToSave['verdicts'][number];
}

export function createDiagnosisWriter(database: Connection): DiagnosisWriter {
  const lastArrived = database
    .prepare<{ traceId: Buffer }, number | null>(
      `SELECT max(unix_ms) FROM (
         SELECT last_arrived_unix_ms AS unix_ms FROM undiagnosed_trace WHERE trace_id = @traceId
         UNION ALL SELECT trace_arrived_unix_ms FROM verdict WHERE trace_id = @traceId)`,
    )
    .pluck();
  const clear = database
    .prepare<[Buffer], number | null>('DELETE FROM verdict WHERE trace_id = ? RETURNING text_id')
    .pluck();
  const insert = database.prepare(`INSERT INTO verdict VALUES (${'?, '.repeat(15)}'', ?, ?)`);
  const insertText = database.prepare<[number, Buffer]>('INSERT INTO verdict_text VALUES (NULL, ?, ?)');
  const deleteUnused = database.prepare<{ textId: number | null }>(
    `DELETE FROM verdict_text WHERE text_id = @textId
     AND NOT EXISTS (SELECT 1 FROM verdict WHERE text_id = @textId)`,
  );
  const forget = database.prepare<[Buffer, number]>(
    'DELETE FROM undiagnosed_trace WHERE trace_id = ? AND span_count <= ?',
  );
  const waitAnew = database.prepare<[number, Buffer]>(
    'UPDATE undiagnosed_trace SET waiting_since_unix_ms = ? WHERE trace_id = ?',
  );

  const seeIncidents = createAcknowledgements(database);
  const isKnown = (traceId: string) => lastArrived.get({ traceId: Buffer.from(traceId, 'hex') }) !== null;

  function mayChange(table: SpanTable): boolean {
    const traceIds = new Set<string>();
    for (let row = 0; row < table.rows; row++) {
      if (table.outcome[row] !== OK) return true;
      traceIds.add(traceIdOf(table, row));
    }
    return [...traceIds].some(isKnown);
  }

  /**
   * The trace's new verdicts, which are still to be inserted; none if retention took it meanwhile. `left` takes the texts of
   * its earlier ones.
   */
  function replace(
    { traceId: id, spanCount, entry, verdicts }: DiagnosisToSave,
    left: Set<number | null>,
  ): NewVerdict[] {
    const traceId = Buffer.from(id, 'hex');
    const arrivedUnixMs = lastArrived.get({ traceId });
    if (arrivedUnixMs == null) return [];
    for (const textId of clear.all(traceId)) left.add(textId);
    if (forget.run(traceId, spanCount).changes === 0) waitAnew.run(Date.now(), traceId);
    return verdicts.map((verdict, ordinal) => ({ traceId, ordinal, arrivedUnixMs, entry, verdict }));
  }

  function insertTogether(together: readonly NewVerdict[]): void {
    const lastArrivedUnixMs = Math.max(...together.map(({ arrivedUnixMs }) => arrivedUnixMs));
    const text = packVerdicts(together.map(({ verdict }) => verdict.json));
    const textId = insertText.run(lastArrivedUnixMs, text).lastInsertRowid;
    for (const [place, { traceId, ordinal, arrivedUnixMs, entry, verdict }] of together.entries()) {
      insert.run(
        traceId,
        ordinal,
        arrivedUnixMs,
        fingerprintOfVerdict(verdict),
        verdict.edge,
        verdict.phase,
        verdict.kind,
        verdict.cause,
        verdict.category,
        Buffer.from(verdict.giveUpSpanId, 'hex'),
        Buffer.from(verdict.originSpanId, 'hex'),
        verdict.startUnixMs,
        verdict.atUnixMs,
        entry.service,
        entry.operation,
        textId,
        place,
      );
    }
  }

  function save(group: readonly DiagnosisToSave[]): void {
    // Of a trace that is there twice, what was said last.
    const traces = new Map(group.map((diagnosis) => [diagnosis.traceId, diagnosis]));
    const left = new Set<number | null>();
    const added = [...traces.values()].flatMap((diagnosis) => replace(diagnosis, left));
    // Before they are kept: the first of a name goes on with what was said under an earlier one.
    seeIncidents(
      added.map(({ verdict }) => ({
        fingerprint: fingerprintOfVerdict(verdict),
        bareFingerprint: fingerprintOfVerdict({ ...verdict, edge: verdict.bareEdge }),
        atUnixMs: verdict.atUnixMs,
      })),
    );
    for (let at = 0; at < added.length; at += VERDICTS_TOGETHER) {
      insertTogether(added.slice(at, at + VERDICTS_TOGETHER));
    }
    for (const textId of left) deleteUnused.run({ textId });
  }

  return {
    isKnown,
    mayChange: (tables) => tables.some(mayChange),
    save: database.transaction(save).immediate,
  };
}

function fingerprintOfVerdict({ edge, phase, kind }: NewVerdict['verdict']): string {
  return fingerprintOf(edge, phase, kind);
}
