/**
 * Sends what is recorded when the program ends, while it ends, and without changing how.
 *
 * At `exit` no event loop runs any more: a worker thread sends, and the program waits for it, briefly. A signal that the
 * program does not handle would end it before: `end-signals.ts` sees to that.
 */
import { join } from 'node:path';
import { guard } from './guard.ts';
import { catchEndSignals } from './end-signals.ts';
import { progress } from './export/hand-over-progress.ts';
import type { HandOverData } from './export/hand-over-thread.ts';
import { makeRoom } from './listening.ts';
import type { FastRecorder } from './record/fast-recorder.ts';
import type { UnendedSpans } from './recorder.ts';

/** For the thread to run, which takes some 40 ms, more on a busy machine. */
const startLimitMs = 1000;
/** For the receiver to answer the thread. One that did not answer before is not waited for as long. */
const answerLimitMs = { usual: 500, failing: 100 };
const problemBytes = 1024;

export function handOverAtEnd(recorder: FastRecorder, unended: UnendedSpans): void {
  const handOver = guard(() => {
    unended.end();
    sendFromThread(recorder);
  });
  makeRoom(process);
  process.once('exit', handOver);
  // Signals are not delivered to other threads.
  if (process.getBuiltinModule('node:worker_threads').isMainThread)
    catchEndSignals(recorder, unended, handOver);
}

function sendFromThread({ queue, health, exporting, version }: FastRecorder): void {
  const { requests, spanCount } = queue.takeAll();
  if (spanCount === 0) return;
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const state = new Int32Array(new SharedArrayBuffer(8));
  const problem = new Uint8Array(new SharedArrayBuffer(problemBytes));
  const limitMs = health.isFailing ? answerLimitMs.failing : answerLimitMs.usual;
  const data: HandOverData = { requests, exporting, version, state, problem, answerLimitMs: limitMs };
  // Nothing of the program's is loaded there: neither its flags nor NODE_OPTIONS count.
  const thread = new Worker(join(import.meta.dirname, 'hand-over-thread.cjs'), {
    workerData: data,
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  thread.on('error', () => {});
  thread.unref();
  Atomics.wait(state, 0, progress.starting, startLimitMs);
  Atomics.wait(state, 0, progress.sending, limitMs);
  const reached = Atomics.load(state, 0);
  if (reached === progress.delivered) return;
  const message =
    reached === progress.failed
      ? Buffer.from(problem).toString('utf8', 0, state[1])
      : 'no answer before the program ended';
  health.failed(new Error(message), spanCount);
}
