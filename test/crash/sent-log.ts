/**
 * What was sent to a collector, and what it acknowledged: the truth that is compared with what is stored. It lives outside
 * of the collector's process, so that no crash takes it away. What a span holds is known from the workload's seed; kept
 * is only which request each span was in.
 */
import { sendRequests, type SendOptions, type SendResult } from '../benchmark/store/send-requests.ts';
import { makeRequests, type ExportRequest } from '../benchmark/workload/make-requests.ts';
import type { Workload } from '../benchmark/workload/trace-plan.ts';

/** `unanswered`: it left, and the collector was gone before it answered. */
export type Fate = 'unsent' | 'unanswered' | 'acknowledged';

export interface SentLog {
  readonly workload: Workload;
  /** Of each trace that was begun, the numbers of the requests that its spans were in. */
  readonly requestsOfTraces: readonly (readonly number[])[];
  fateOf(request: number): Fate;
  acknowledgedSpans(): number;
  unansweredRequests(): number;
  /** Sends the workload until it is all sent or the signal comes. */
  send(options: Omit<SendOptions, 'requests' | 'onSent'>): Promise<SendResult>;
  /**
   * Sends once more, byte for byte, what was not answered, and the last that was: as senders do whose answer got lost.
   */
  resend(address: string): Promise<void>;
}

/** Answers that are taken to be lost on their way. */
const LOST_ANSWERS = 8;

export function createSentLog(workload: Workload, spansPerRequest: number): SentLog {
  const requestsOfTraces: number[][] = [];
  const unanswered = new Map<number, ExportRequest>();
  const acknowledged = new Set<number>();
  const lastAcknowledged: ExportRequest[] = [];
  let acknowledgedSpans = 0;

  function acknowledge(request: ExportRequest): void {
    if (acknowledged.has(request.number)) return;
    unanswered.delete(request.number);
    acknowledged.add(request.number);
    acknowledgedSpans += request.spans;
    lastAcknowledged.push(request);
    if (lastAcknowledged.length > LOST_ANSWERS) lastAcknowledged.shift();
  }

  return {
    workload,
    requestsOfTraces,
    fateOf(request) {
      if (acknowledged.has(request)) return 'acknowledged';
      return unanswered.has(request) ? 'unanswered' : 'unsent';
    },
    acknowledgedSpans: () => acknowledgedSpans,
    unansweredRequests: () => unanswered.size,
    send: ({ onAcknowledged, ...options }) =>
      sendRequests({
        ...options,
        requests: makeRequests(workload, {
          spansPerRequest,
          onSpan: ({ index }, _span, request) => (requestsOfTraces[index] ??= []).push(request),
        }),
        onSent: (request) => unanswered.set(request.number, request),
        onAcknowledged(request) {
          acknowledge(request);
          onAcknowledged?.(request);
        },
      }),
    async resend(address) {
      const requests = [...unanswered.values(), ...lastAcknowledged];
      await sendRequests({ address, requests, connections: 1, inFlight: 4, onAcknowledged: acknowledge });
    },
  };
}
