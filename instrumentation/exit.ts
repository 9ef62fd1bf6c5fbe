/**
 * Sends what is recorded when the program ends, for a recorder that needs the event loop for it: OpenTelemetry's SDK, and
 * the hook's own where it may start no thread.
 *
 * A signal that the program handles itself is left to it; one that it does not handle ends it by that signal, after at
 * most `flushLimitMs`. What is still in memory at `process.exit` is lost: the exporter needs the event loop.
 */
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers';
import type { Recorder, UnendedSpans } from './recorder.ts';

const flushLimitMs = 1500;

/** Sockets that carry the hook's spans: at the end a collector that is silent must not hold the program. */
const exportSockets = new Set<Socket>();
let isHolding = false;

export function trackExportSocket(socket: Socket): void {
  exportSockets.add(socket);
  socket.once('close', () => exportSockets.delete(socket));
  // The exporter tries again at once; that would hold the program as well.
  if (isHolding) process.nextTick(() => socket.destroy());
}

export function flushAtEnd(recorder: Recorder, unended: UnendedSpans): void {
  const flush = () => {
    unended.end();
    return recorder.flush();
  };

  let flushed = false;
  process.on('beforeExit', () => {
    // The event comes again when the flush is over.
    if (flushed) return;
    flushed = true;
    const sending = flush();
    void settlesInTime(sending).then((inTime) => {
      if (inTime) return;
      isHolding = true;
      for (const socket of exportSockets) socket.destroy();
      void sending.then(() => {
        isHolding = false;
      });
    });
  });

  // Signals are not delivered to other threads.
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) return;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const onSignal = () => {
      const isHandled = process.listenerCount(signal) > 1;
      void settlesInTime(flush()).then(() => {
        if (isHandled) return;
        process.off(signal, onSignal);
        // Whoever began to listen meanwhile has taken over.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      });
    };
    process.on(signal, onSignal);
  }
}

function settlesInTime(sending: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), flushLimitMs);
    void sending.then(() => {
      clearTimeout(late);
      resolve(true);
    });
  });
}
