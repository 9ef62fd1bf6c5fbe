/** Delivers requests: sends each again until it is taken, refused for good, or out of time, and tells how it goes. */
import { setTimeout } from 'node:timers';
import type { Health } from '../export-health.ts';
import { createGrpcSender } from './send-grpc.ts';
import { createHttpSender } from './send-http.ts';
import type { ExportOptions } from './options.ts';
import { SendError, type Sender } from './sender.ts';

const firstPauseMs = 1000;
const pauseMsMax = 5000;
const pauseGrowth = 1.5;
const pauseJitter = 0.2;
/** A program that has nothing left to do waits for an answer this long; a thread of its own would take 50 ms. */
const holdMs = 500;

/** `version` is the hook's own. */
export function createSender(options: ExportOptions, version: string): Sender {
  const userAgent = `sockeye-instrumentation/${version} node/${process.versions.node}`;
  const create = options.protocol === 'grpc' ? createGrpcSender : createHttpSender;
  return create(options, userAgent);
}

export interface Delivery {
  spanCount: number;
  timeoutMs: number;
  health: Health;
  /** Called when the whole request has been handed to the kernel. */
  left: () => void;
}

/** Resolves with the number of spans that did not get there; never rejects. */
export async function deliver(
  sender: Sender,
  request: Buffer,
  { spanCount, timeoutMs, health, left }: Delivery,
): Promise<number> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * pauseGrowth, pauseMsMax)) {
    const hold = setTimeout(() => {}, holdMs);
    try {
      const remainingMs = Math.max(1, deadlineMs - performance.now());
      const rejectedCount = await sender.send(request, { timeoutMs: remainingMs, left });
      health.delivered();
      if (rejectedCount > 0) health.rejected(rejectedCount);
      return Math.min(rejectedCount, spanCount);
    } catch (error) {
      const failure = error instanceof SendError ? error : new SendError(String(error), false);
      const waitMs = failure.retryAfterMs ?? pauseMs * (1 + pauseJitter * (2 * Math.random() - 1));
      const isLast = !failure.isRetryable || performance.now() + waitMs > deadlineMs;
      health.failed(failure, isLast ? spanCount : 0);
      if (isLast) return spanCount;
      clearTimeout(hold);
      await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
    } finally {
      clearTimeout(hold);
    }
  }
}
