/**
 * What a span costs on its way into columns and back, and how many bytes it takes: `node test/benchmark/columns.bench.ts`.
 * One thread, no database; CPU time of the process, the workload of the other benchmarks.
 */
import { GRANULE_ROWS, startBlock } from '../../collector/store/columns/encode-granule.ts';
import { encodeSegment } from '../../collector/store/columns/encode-segment.ts';
import { decodeBlockHeader, openGranule } from '../../collector/store/columns/read-block.ts';
import { openSegment } from '../../collector/store/columns/segment-granule.ts';
import { orderRows } from '../../collector/store/columns/row-order.ts';
import { createSpanTable, resetTable, tableBytes } from '../../collector/store/columns/span-table.ts';
import { takeRequest } from '../../collector/store/columns/take-request.ts';
import { FOLD_ROWS } from '../../collector/store/sqlite/write/unfolded.ts';
import { memoryInterner } from '../store/columns/memory-interner.ts';
import { json, number, onOff, readFlags, seed } from './flags.ts';
import { describeMachine, machineLine } from './machine.ts';
import { alignTable, short } from './table.ts';
import { makeRequests } from './workload/make-requests.ts';

const flags = readFlags('node test/benchmark/columns.bench.ts', {
  spans: number(1_000_000, 'in all'),
  failed: number(0.001, 'share of the calls that fail', 0),
  'per-request': number(512, 'spans in a request'),
  segment: number(8_192, 'spans of a segment: what one commit holds'),
  granule: number(GRANULE_ROWS, 'spans of a granule'),
  parts: onOff('the size of each part of a granule'),
  seed,
  json,
});

const NOW_UNIX_MS = Date.UTC(2026, 10, 20, 12);
const workload = {
  seed: flags.seed,
  spans: flags.spans,
  failedShare: flags.failed,
  startUnixMs: NOW_UNIX_MS,
  // As fast as a collector takes them.
  spreadMs: flags.spans / 200,
};
const requests = [...makeRequests(workload, { spansPerRequest: flags['per-request'] })];

const microseconds = new Map<string, number>();
function timed<T>(step: string, work: () => T): T {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  microseconds.set(step, (microseconds.get(step) ?? 0) + user + system);
  return result;
}

const { interner } = memoryInterner();
const table = createSpanTable();
const partBytes = new Map<string, number>();
let spans = 0;
let segmentBytes = 0;
let blockBytes = 0;
let largestTable = 0;
let traceReads = 0;

function readBlock(header: Buffer, granules: Map<string, Buffer>[]): void {
  const opened = decodeBlockHeader(header);
  for (const [number, parts] of granules.entries()) {
    const open = () => openGranule(opened, number, (name) => parts.get(name) ?? null);
    timed('decode rows', () => {
      const granule = open();
      return [granule.parentSpanId, granule.startLow, granule.operation, granule.peer, granule.giveUps];
    });
    timed('decode all columns', () => {
      const granule = open();
      for (const { name } of granule.stored.columns) granule.column(name);
    });
    // What a cold read of one trace costs: all parts of its granule, and the trace's spans put together.
    timed('trace by id, cold (µs each)', () => {
      const granule = open();
      const { starts } = granule.traces;
      const run = (starts.length - 1) >> 1;
      for (let row = starts[run]!; row < starts[run + 1]!; row++) granule.spanBytes(row);
    });
    traceReads++;
  }
}

function fold(): void {
  largestTable = Math.max(largestTable, tableBytes(table));
  const order = timed('fold: order', () => orderRows(table));
  const granules: Map<string, Buffer>[] = [];
  const header = timed('fold: encode', () => {
    const block = startBlock(table, order, flags.granule);
    for (let number = 0; number < block.ends.length; number++) granules.push(block.granule(number));
    return block.finish();
  });
  const count = (name: string, bytes: number) => partBytes.set(name, (partBytes.get(name) ?? 0) + bytes);
  count('header', header.length);
  for (const parts of granules) for (const [name, bytes] of parts) count(name, bytes.length);
  readBlock(header, granules);
  spans += table.rows;
  resetTable(table);
}

let segmentFrom = 0;
function endSegment(): void {
  const segment = timed('segment: encode', () => encodeSegment(table, segmentFrom, table.rows));
  segmentBytes += segment.length;
  timed('segment: decode', () => openSegment(segment).column('name'));
  segmentFrom = table.rows;
}

for (const { bytes } of requests) {
  timed('walk', () => takeRequest(table, interner, bytes, NOW_UNIX_MS));
  if (table.rows - segmentFrom >= flags.segment) endSegment();
  if (table.rows < FOLD_ROWS) continue;
  if (table.rows > segmentFrom) endSegment();
  fold();
  segmentFrom = 0;
}
if (table.rows > segmentFrom) endSegment();
if (table.rows > 0) fold();

blockBytes = [...partBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
const results = {
  machine: describeMachine(),
  spans,
  microsecondsPerSpan: Object.fromEntries(
    [...microseconds].map(([step, total]) => [step, total / (step.startsWith('trace') ? traceReads : spans)]),
  ),
  bytesPerSpan: {
    request: requests.reduce((sum, { bytes }) => sum + bytes.length, 0) / spans,
    segment: segmentBytes / spans,
    block: blockBytes / spans,
  },
  partBytesPerSpan: Object.fromEntries(
    [...partBytes].toSorted((a, b) => b[1] - a[1]).map(([name, bytes]) => [name, bytes / spans]),
  ),
  largestTableBytes: largestTable,
  residentBytes: process.memoryUsage().rss,
};
if (flags.json) console.log(JSON.stringify(results, null, 2));
else {
  console.log(`${machineLine(results.machine)}; ${spans} spans`);
  console.log(
    alignTable([
      ['CPU', 'µs a span'],
      ...Object.entries(results.microsecondsPerSpan).map(([step, us]) => [step, short(us)]),
    ]),
  );
  console.log(
    alignTable([
      ['size', 'bytes a span'],
      ...Object.entries(results.bytesPerSpan).map(([what, bytes]) => [what, short(bytes)]),
    ]),
  );
  if (flags.parts) {
    console.log(
      alignTable([
        ['part', 'bytes a span'],
        ...Object.entries(results.partBytesPerSpan).map(([name, bytes]) => [name, bytes.toFixed(3)]),
      ]),
    );
  }
  console.log(`largest table ${(largestTable / 1e6).toFixed(1)} MB`);
}
