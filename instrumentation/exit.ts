/**
 * Sends what is recorded when the program ends, without changing how it ends.
 *
 * A signal that the program handles itself is left to it; one that it does not handle ends it by that signal, after at
 * most `flushLimitMs`. What is still in memory at `process.exit` is lost: the exporter needs the event loop.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import type { Recorder } from './recorder.ts';

const flushLimitMs = 500;

export function flushAtEnd(recorder: Recorder): void {
  let flushed = false;
  process.on('beforeExit', () => {
    if (flushed) return;
    flushed = true;
    void recorder.flush();
  });
  // Signals are not delivered to other threads.
  if (!isMainThread) return;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const onSignal = () => {
      if (process.listenerCount(signal) > 1) {
        void recorder.flush();
        return;
      }
      void Promise.race([recorder.flush(), sleep(flushLimitMs)]).then(() => {
        process.off(signal, onSignal);
        // Whoever began to listen meanwhile has taken over.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
      });
    };
    process.on(signal, onSignal);
  }
}
