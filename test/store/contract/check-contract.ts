/** What every store must do, whatever it is made of. Each backend's test file runs this suite on itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AROUND_NOON, AT_ONCE, spanId, traceId } from '../make-request.ts';
import { checkAppending } from './appending.ts';
import { checkDiagnoses } from './diagnoses.ts';
import { checkKeeping } from './keeping.ts';
import { checkLatencyDiffers } from './latency-differs.ts';
import { checkLatencyPairing } from './latency-pairing.ts';
import { checkLatency } from './latency.ts';
import { checkSearching } from './searching.ts';
import { checkStatistics } from './statistics.ts';
import { checkTotals } from './totals.ts';
import { TestedStore, type Backend } from './tested-store.ts';

export function checkStoreContract(name: string, backend: Backend): void {
  describe(`the store contract, ${name}`, () => {
    const tested = new TestedStore(backend);
    beforeAll(() => tested.open());
    beforeEach(() => tested.store.purge());
    afterAll(() => tested.remove());

    test('works when empty', async () => {
      expect(await tested.store.readTrace(traceId('1'))).toEqual([]);
      expect(await tested.store.readTraceBytes(traceId('1'))).toBeNull();
      expect(await tested.store.readTraceColumns(traceId('1'))).toBeNull();
      expect(await tested.store.diagnoseTraces([traceId('1')])).toEqual([]);
      expect(await tested.search('')).toEqual({ traces: [], total: 0, truncated: false, cursor: null });
      expect(await tested.store.readServiceStats(AROUND_NOON, { byOperation: true, service: null })).toEqual(
        [],
      );
      expect(await tested.store.readCallGroups(AROUND_NOON)).toEqual([]);
      expect(
        await tested.store.readNormals([{ service: 'a', operation: 'b', kind: 'server' }], traceId('1')),
      ).toEqual([]);
      expect(await tested.store.readAttributeKeys(AROUND_NOON, '', 10)).toEqual([]);
      expect(await tested.store.readAttributeValues(AROUND_NOON, 'a', '', 10)).toEqual([]);
      expect(await tested.store.readUndiagnosed(AT_ONCE, 10)).toEqual({ traceIds: [], backlog: 0 });
      expect(await tested.store.readVerdicts(AROUND_NOON)).toEqual([]);
      expect(await tested.store.readAddressServices(['a:1'])).toEqual(new Map());
      expect(await tested.store.readSpans([{ traceId: traceId('1'), spanId: spanId('1') }])).toEqual([]);
      expect(await tested.store.readEdgeCalls(AROUND_NOON, { caller: 'a', callee: 'b' }, 'any', 10)).toEqual(
        [],
      );
      expect(await tested.store.readCallCounts(AROUND_NOON, 1)).toEqual([
        { calls: 0, errors: 0, timeouts: 0 },
      ]);
      const nobody = { service: null, operation: null, peer: null, phase: null };
      expect(await tested.store.readLatency({ ...nobody, range: AROUND_NOON, steps: 2 })).toMatchObject({
        of: 'entries',
        calls: 0,
        truncated: false,
        cells: [],
        percentiles: [],
        walls: [],
      });
      expect(await tested.store.readVersions(AROUND_NOON)).toEqual([]);
      expect(await tested.store.applyRetention(1000, 1e9)).toBe(0);
      expect(await tested.store.status()).toMatchObject({ spans: 0, oldestUnixMs: null });
      await tested.store.purge();
      expect(await tested.store.append(new Uint8Array())).toMatchObject({
        stored: 0,
        duplicate: 0,
        refused: 0,
      });
    });

    describe('appending', () => {
      checkAppending(tested);
    });
    describe('searching', () => {
      checkSearching(tested);
    });
    describe('calls and statistics', () => {
      checkStatistics(tested);
    });
    describe('totals', () => {
      checkTotals(tested);
    });
    describe('latency over time', () => {
      checkLatency(tested);
      checkLatencyPairing(tested);
    });
    describe('what differs in a part of it', () => {
      checkLatencyDiffers(tested);
    });
    describe('diagnoses', () => {
      checkDiagnoses(tested);
    });
    describe('keeping and dropping', () => {
      checkKeeping(tested);
    });
  });
}
