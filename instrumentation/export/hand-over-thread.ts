/** The thread that sends what is left when the program ends; the program waits for it on `state`. */
import { workerData } from 'node:worker_threads';
import { createSender } from './exporter.ts';
import { progress } from './hand-over-progress.ts';
import type { ExportOptions } from './options.ts';

export interface HandOverData {
  requests: Uint8Array[];
  exporting: ExportOptions;
  version: string;
  /** Progress, and the length of the problem. */
  state: Int32Array;
  problem: Uint8Array;
  answerLimitMs: number;
}

const { requests, exporting, version, state, problem, answerLimitMs } = workerData as HandOverData;

function reach(stage: number): void {
  Atomics.store(state, 0, stage);
  Atomics.notify(state, 0);
}

async function send(): Promise<void> {
  const sender = createSender(exporting, version);
  await Promise.all(
    requests.map((request) => sender.send(Buffer.from(request), { timeoutMs: answerLimitMs })),
  );
}

// The sockets do not keep the thread.
setTimeout(() => {}, answerLimitMs);
reach(progress.sending);
send().then(
  () => reach(progress.delivered),
  (error: Error) => {
    const { written } = new TextEncoder().encodeInto(error.message, problem);
    Atomics.store(state, 1, written);
    reach(progress.failed);
  },
);
