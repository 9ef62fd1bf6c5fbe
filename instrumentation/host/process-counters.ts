/** What this process has used and what it may: memory, descriptors, CPU, its event loop, and what waits for it. Linux only. */
import { statSync } from 'node:fs';
import type { Server } from 'node:net';
import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { reportFault } from '../guard.ts';
import { acceptQueueOf, type AcceptQueue } from '../kernel/reading.ts';
import { everySample, strainSince } from '../strain/monitor.ts';
import type { HostCounter } from './counters.ts';
import { listeners, readSocketTable, readWaiting } from './listeners.ts';
import { readFile } from './read-file.ts';

/** More than any machine has: how version 1 of control groups says that there is no limit. */
const noLimitBytes = 2 ** 60;

/** A function that gives the counters; those of an interval are of the time since it was last called. */
export function watchProcess(): () => Promise<HostCounter[]> {
  let lastMs = performance.now();
  let lastUse: EventLoopUtilization | undefined;
  let openMax: number | undefined;
  let mostDescriptors: (() => number | undefined) | undefined;
  return async () => {
    // With the first report: there may be nobody who wants one.
    mostDescriptors ??= watchDescriptors();
    const reading = waitingValues().catch((error: unknown) => {
      reportFault('the sockets of listeners could not be read', error);
      return {};
    });
    const nowMs = performance.now();
    const use = performance.eventLoopUtilization();
    const { utilization } = lastUse ? performance.eventLoopUtilization(use, lastUse) : use;
    const { blockedMs, longestBlock, collectedMs, throttledMs } = strainSince(lastMs);
    lastMs = nowMs;
    lastUse = use;
    openMax ??= parseOpenMax(readFile('/proc/self/limits'));
    const limitBytes = process.constrainedMemory();
    const values: Record<string, number | undefined> = {
      'event_loop.utilization': utilization,
      'event_loop.blocked_ms': blockedMs,
      'event_loop.longest_blocked_ms': longestBlock && longestBlock.endMs - longestBlock.startMs,
      'event_loop.longest_ended_ms': longestBlock && nowMs - longestBlock.endMs,
      'cpu.throttled_ms': throttledMs,
      'memory.collected_ms': collectedMs,
      'memory.resident_bytes': residentBytes(),
      'memory.limit_bytes': limitBytes > 0 && limitBytes < noLimitBytes ? limitBytes : undefined,
      'descriptors.open': mostDescriptors(),
      'descriptors.max': openMax,
      ...(await reading),
    };
    return Object.entries(values).flatMap(([name, value]) =>
      value === undefined || !Number.isFinite(value)
        ? []
        : [{ name: `process.${name}`, value, isTotal: false }],
    );
  };
}

/** Begins at once: what waits to be accepted is accepted when the event loop goes on. */
async function waitingValues(): Promise<Record<string, number | undefined>> {
  const servers = listeners();
  if (servers.size === 0) return {};
  const known = fullest(servers);
  const { table, isCut } = await readSocketTable();
  const waiting = readWaiting(table, new Set(servers.keys()), isCut);
  return {
    'listen.port': known?.port ?? waiting?.port,
    'listen.queue': known?.waiting ?? waiting?.queue,
    'listen.queue_max': known?.max,
    ...(waiting?.isCut === false && {
      'connections.unread': waiting.unreadConnections,
      'connections.unread_bytes': waiting.unreadBytes,
      'connections.half_open': waiting.halfOpen,
      'connections.half_open_retransmitted': waiting.halfOpenRetransmitted,
    }),
  };
}

/** The server at which most wait, by what the kernel says of each. */
function fullest(servers: ReadonlyMap<number, Server>): (AcceptQueue & { port: number }) | undefined {
  let found: (AcceptQueue & { port: number }) | undefined;
  for (const [port, server] of servers) {
    const queue = acceptQueueOf(server);
    if (queue && (!found || queue.waiting > found.waiting)) found = { ...queue, port };
  }
  return found;
}

/** `Max open files            1024                 524288               files`: the first is the one that holds. */
export function parseOpenMax(limits: string): number | undefined {
  const [, text] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return text === undefined ? undefined : Number(text);
}

/** Undefined where there is no descriptor to read it with. */
function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}

/** A function that gives the most that were seen open since it was last called: a program is rarely short of them for long. */
function watchDescriptors(): () => number | undefined {
  let most: number | undefined;
  const look = () => {
    const open = openDescriptors();
    if (open !== undefined && open > (most ?? 0)) most = open;
    return open !== undefined;
  };
  everySample(look);
  return () => {
    look();
    const seen = most;
    most = undefined;
    return seen;
  };
}

/** Their number is the folder's size since Linux 6.2; before, it is 0. Takes none itself, and some 10 µs. */
function openDescriptors(): number | undefined {
  try {
    return statSync('/proc/self/fd').size || undefined;
  } catch {
    return undefined;
  }
}
