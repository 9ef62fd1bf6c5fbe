/** Which traces are due for a diagnosis, and what is saved of one. */
import { expect, test } from 'vitest';
import type { Diagnosis } from '../../../collector/diagnose/verdict.ts';
import type { IncidentState, Patience } from '../../../collector/store/store.ts';
import { diagnosisToSave } from '../../../collector/query/diagnosis-to-save.ts';
import { diagnoseDocument } from '../../../collector/serve/traces/write-trace.ts';
import { makeVerdict } from '../../query/make-verdict.ts';
import {
  AROUND_NOON,
  AT_ONCE,
  call,
  makeRequest,
  NOON_UNIX_MS,
  PATIENT,
  spanId,
  traceId,
} from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

export function checkDiagnoses(tested: TestedStore): void {
  const failing = () => makeRequest(...call('a', { id: '1', error: 'ECONNREFUSED', durationMs: 1 }));
  const { giveUp, ...verdict } = makeVerdict({
    spanId: spanId('1'),
    atUnixMs: NOON_UNIX_MS + 1,
    cause: 'C7',
    category: 'server',
  });
  const refused = { ...verdict, giveUp: { ...giveUp, kind: 'refused' as const } };
  const diagnosis: Diagnosis = { traceId: traceId('a'), complete: true, verdicts: [refused] };
  const entry = { service: 'checkout', operation: 'GET /' };
  const save = async (spanCount: number, verdicts = diagnosis.verdicts) => {
    const sent = await tested.store.readTrace(traceId('a'));
    await tested.store.saveDiagnoses([{ ...diagnosisToSave({ ...diagnosis, verdicts }, sent), spanCount }]);
  };

  test('a trace that failed is due once it is quiet, and no more when it was diagnosed', async () => {
    await tested.store.append(failing());
    await tested.store.append(makeRequest({ trace: 'b' }));
    expect(await tested.store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
    expect(await tested.store.readUndiagnosed(AT_ONCE, 10)).toEqual({ traceIds: [traceId('a')], backlog: 1 });
    await save(1);
    expect(await tested.store.readUndiagnosed(AT_ONCE, 10)).toEqual({ traceIds: [], backlog: 0 });
  });

  test('spans that arrive later, or during the diagnosis, make it due again', async () => {
    await tested.store.append(failing());
    await save(1);
    await tested.store.append(makeRequest({ trace: 'a', id: '2', parent: '1' }));
    expect((await tested.store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(1);
    await save(1);
    expect((await tested.store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(1);
    await save(2);
    expect((await tested.store.readUndiagnosed(AT_ONCE, 10)).backlog).toBe(0);
  });

  test('a trace that never is quiet is due when it has waited, and then waits anew', async () => {
    const due = async (patience: Patience) => (await tested.store.readUndiagnosed(patience, 10)).traceIds;
    await tested.store.append(failing());
    await tested.store.append(makeRequest({ trace: 'a', id: '2', parent: '1' }));
    expect(await due({ ...PATIENT, waitMs: 0 })).toEqual([traceId('a')]);
    expect(await due(PATIENT)).toEqual([]);
    await save(1);
    expect(await tested.store.readUndiagnosed(PATIENT, 10)).toEqual({ traceIds: [], backlog: 1 });
    await save(2);
    expect(await due(AT_ONCE)).toEqual([]);
  });

  test('traces are diagnosed together as each is by itself', async () => {
    const { store } = tested;
    const pay = (trace: string, durationMs: number, error?: string) =>
      call(
        trace,
        { id: '1', name: 'POST', durationMs, ...(error !== undefined && { error }) },
        { id: '2', name: 'POST /pay', durationMs: durationMs - 1, startMs: 1, service: 'payments' },
      );
    for (let i = 1; i <= 30; i++) await store.append(makeRequest(...pay(`1${i}`, 20)));
    await store.append(makeRequest(...pay('a', 3000, 'ETIMEDOUT'), ...pay('b', 10, 'ECONNRESET')));
    await store.append(makeRequest(...pay('c', 1000, 'ETIMEDOUT')));
    const error = 'DEADLINE_EXCEEDED';
    const stream = { 'sockeye.stream': true, 'sockeye.timeout.phase': 'wait' };
    const ofStream = { kind: 'client', durationMs: 2000, attributes: stream } as const;
    await store.append(
      makeRequest(
        { trace: 'd', id: '1', error, kind: 'server', durationMs: 2001 },
        { trace: 'd', id: '2', error, parent: '1', ...ofStream },
      ),
    );
    const ids = ['c', 'a', '11', 'b', 'd'].map(traceId);
    const alone = ids.map(async (id) => diagnoseDocument(id, (await store.readTraceBytes(id))!, store));
    const together = await store.diagnoseTraces([...ids, traceId('dead')]);
    const byTrace = new Map(
      together.map(({ traceId: id, verdicts }) => [id, verdicts.map(({ json }) => JSON.parse(json))]),
    );
    expect(together).toHaveLength(5);
    expect(ids.map((id) => byTrace.get(id))).toEqual(
      (await Promise.all(alone)).map(({ verdicts }) => verdicts),
    );
    expect(byTrace.get(traceId('a'))).toHaveLength(1);
    expect(byTrace.get(traceId('11'))).toEqual([]);
    expect(byTrace.get(traceId('d'))).toMatchObject([{ giveUp: { spanId: spanId('2') } }]);
  });

  test('a trace that failed among many is diagnosed as it is by itself, and so with more of its spans', async () => {
    const { store } = tested;
    const id = traceId('a');
    const many = Array.from({ length: 200 }, (_, index) => ({ trace: `1${index}`, id: '1' }));
    const [client, server] = call(
      'a',
      { id: '1', durationMs: 3000, error: 'ETIMEDOUT' },
      { id: '2', durationMs: 2900, startMs: 1 },
    );
    for (const [count, sent] of [[...many, client!], [server!]].entries()) {
      await store.append(makeRequest(...sent));
      expect((await store.readUndiagnosed(AT_ONCE, 10)).traceIds).toEqual([id]);
      const [diagnosed] = await store.diagnoseTraces([id]);
      const alone = await diagnoseDocument(id, (await store.readTraceBytes(id))!, store);
      expect(diagnosed!.spanCount).toBe(count + 1);
      expect(diagnosed!.verdicts.map(({ json }) => JSON.parse(json))).toEqual(alone.verdicts);
      expect(alone.verdicts).toHaveLength(1);
    }
  });

  test('what was said of a trace stays said until spans come, whatever is normal since', async () => {
    const { store } = tested;
    const id = traceId('a');
    const diagnosed = async () =>
      (await diagnoseDocument(id, (await store.readTraceBytes(id))!, store)).verdicts;
    await store.append(failing());
    expect(await store.readKeptVerdicts(id)).toBeNull();
    const [fresh] = await diagnosed();
    expect(fresh!.sentence).not.toBe(refused.sentence);
    await save(1);
    expect(await store.readKeptVerdicts(id)).toEqual([refused]);
    expect(await diagnosed()).toEqual([refused]);
    await store.append(makeRequest({ trace: 'a', id: '2', parent: '1' }));
    expect(await store.readKeptVerdicts(id)).toBeNull();
    expect((await diagnosed())[0]!.sentence).toBe(fresh!.sentence);
    await save(2);
    expect(await diagnosed()).toEqual([refused]);
    await save(2, []);
    expect(await store.readKeptVerdicts(id)).toBeNull();
  });

  test('verdicts are read by start of the give-up, replaced by the next, and searched by cause', async () => {
    await tested.store.append(failing());
    await save(1);
    const [row] = await tested.store.readVerdicts(AROUND_NOON);
    expect(row).toMatchObject({
      traceId: traceId('a'),
      ordinal: 0,
      atUnixMs: NOON_UNIX_MS + 1,
      seenUnixMs: { first: NOON_UNIX_MS + 1, last: NOON_UNIX_MS + 1 },
      entry,
      verdict: diagnosis.verdicts[0],
    });
    expect(await tested.found('cause:C7')).toEqual(['a']);
    expect(await tested.found('cause:server')).toEqual(['a']);
    expect(await tested.found('cause:dns')).toEqual([]);
    expect(await tested.found('edge:checkout->payments')).toEqual(['a']);
    expect((await tested.search('cause:c7')).traces[0]!.verdict).toMatchObject({
      cause: 'C7',
      phase: 'connect',
    });
    await save(1, []);
    expect(await tested.store.readVerdicts(AROUND_NOON)).toEqual([]);
  });

  test('an incident is acknowledged until it was over, muted until a time, and both are kept', async () => {
    const { fingerprint } = await seen('a', 0);
    const change = (more: Partial<IncidentState>) =>
      tested.store.changeIncidentState({ fingerprint, ...more });
    const states = () => tested.store.readIncidentStates();
    expect(await tested.store.changeIncidentState({ fingerprint: 'other', acknowledged: true })).toBe(false);
    expect(await states()).toEqual([]);

    expect(await change({ acknowledged: true })).toBe(true);
    await seen('b', 10);
    const mutedUntilUnixMs = Date.now() + 3_600_000;
    await change({ mutedUntilUnixMs });
    await tested.reopen();
    expect(await states()).toEqual([{ fingerprint, acknowledged: true, mutedUntilUnixMs }]);
    await change({ mutedUntilUnixMs: Date.now() - 1 });
    expect(await states()).toEqual([{ fingerprint, acknowledged: true, mutedUntilUnixMs: null }]);
    // It was over for a minute.
    await seen('c', 26);
    expect(await states()).toEqual([]);
    // What retention takes brings nothing back.
    await tested.store.applyRetention(0, 1e9);
    expect(await states()).toEqual([]);
    await seen('d', 27);
    expect(await states()).toEqual([]);
    await change({ acknowledged: true });
    await change({ acknowledged: false });
    expect(await states()).toEqual([]);
    await change({ mutedUntilUnixMs });
    await tested.store.purge();
    expect(await states()).toEqual([]);
  });

  /** A trace that gave up so long from now. */
  async function seen(trace: string, minutes: number): Promise<{ fingerprint: string }> {
    await tested.store.append(makeRequest(...call(trace, { id: '1', error: 'ECONNREFUSED' })));
    const said = makeVerdict({ spanId: spanId('1'), atUnixMs: Date.now() + minutes * 60_000 });
    const spans = await tested.store.readTrace(traceId(trace));
    const judged = { traceId: traceId(trace), complete: true, verdicts: [said] };
    await tested.store.saveDiagnoses([{ ...diagnosisToSave(judged, spans), spanCount: spans.length }]);
    const rows = await tested.store.readVerdicts(AROUND_NOON);
    return rows.find((row) => row.traceId === traceId(trace))!;
  }
}
