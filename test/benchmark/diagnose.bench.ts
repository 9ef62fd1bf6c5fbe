/**
 * How long a verdict takes: `node test/benchmark/diagnose.bench.ts`. Prints the middle and the best of several runs, in CPU time
 * of the thread, which other programs on the machine disturb least.
 *
 * The trace is a tree of services, five calls each, every call a client and a server span with phases; the outermost
 * call gave up while the whole tree was open, and one call in a hundred failed.
 */
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import type { Span } from '../../collector/span.ts';
import { makeSpan, START_UNIX_NANO } from '../diagnose/make-span.ts';

const CALLS_EACH = 5;
const SIZES = [1_000, 10_000, 100_000];
const RUNS = 15;

function makeTrace(count: number): Span[] {
  const spans: Span[] = [];
  const resources = Array.from({ length: 50 }, (_, index) => ({
    attributes: new Map([['service.name', `service-${index}`]]),
    droppedAttributes: 0,
    schemaUrl: '',
  }));
  for (let index = 0; index < count; index++) {
    const isServer = index % 2 === 0;
    const call = Math.floor(index / 2);
    const parentServer = 2 * Math.floor((call - 1) / CALLS_EACH);
    const parent = index === 0 ? -1 : isServer ? index - 1 : Math.max(0, 2 * Math.floor(call / CALLS_EACH));
    const failed = index < 2 || index % 100 === 51;
    const startUnixNano = START_UNIX_NANO + BigInt(index) * 1_000n;
    spans.push(
      makeSpan({
        spanId: (index + 1).toString(16).padStart(16, '0'),
        parentSpanId: parent < 0 ? '' : (parent + 1).toString(16).padStart(16, '0'),
        kind: isServer ? 'server' : 'client',
        name: `operation-${parentServer % 7}`,
        startUnixNano,
        endUnixNano: startUnixNano + BigInt(3_000 + (index % 11) * 100) * 1_000_000n,
        status: { code: failed ? 'error' : 'unset', message: failed ? 'read ETIMEDOUT' : '' },
        resource: resources[(isServer ? call : parentServer / 2) % resources.length] ?? resources[0],
        attributes: isServer
          ? { 'http.request.method': 'GET', 'http.response.status_code': 200 }
          : { 'server.address': 'pay', 'server.port': call % 90, 'sockeye.phase.wait_ms': 3_000 },
      }),
    );
  }
  return spans;
}

for (const size of SIZES) {
  const spans = makeTrace(size);
  // Small traces are measured many at a time: the clock of CPU time ticks in milliseconds.
  const traces = 100_000 / size;
  const times: number[] = [];
  let verdicts = 0;
  for (let run = 0; run < RUNS; run++) {
    const before = process.threadCpuUsage();
    for (let trace = 0; trace < traces; trace++) {
      verdicts = diagnoseTrace('1', spans, { normals: new Map() }).verdicts.length;
    }
    const { user, system } = process.threadCpuUsage(before);
    times.push((user + system) / 1_000 / traces);
  }
  times.sort((a, b) => a - b);
  const middleMs = times[Math.floor(RUNS / 2)] ?? 0;
  console.log(
    `${size} spans: ${middleMs.toFixed(2)} ms (best ${times[0]?.toFixed(2)}), ${verdicts} verdicts`,
  );
}
