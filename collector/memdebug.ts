import { appendFileSync, existsSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import v8 from 'node:v8';
export function memdebug(name: string): void {
  const f = process.env['SOCKEYE_MEM'];
  if (!f) return;
  let done = false;
  setInterval(() => {
    if (!done && existsSync('/tmp/wt-memory-snap')) { done = true; v8.writeHeapSnapshot(`/tmp/wt-memory-${name}${threadId}.heapsnapshot`); }
    const m = process.memoryUsage();
    const h = v8.getHeapStatistics();
    const sp = Object.fromEntries(v8.getHeapSpaceStatistics().map((s) => [s.space_name, Math.round(s.physical_space_size / 1e5) / 10]));
    appendFileSync(f, JSON.stringify({ t: Date.now(), name: name + threadId, heapTotal: m.heapTotal, heapUsed: m.heapUsed, external: m.external, ab: m.arrayBuffers, malloced: h.malloced_memory, phys: h.total_physical_size, sp }) + '\n');
  }, 100).unref();
}
