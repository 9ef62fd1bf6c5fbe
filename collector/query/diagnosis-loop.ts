/**
 * Diagnoses traces that failed, once they have been quiet for a moment, and again when more of their spans arrive. One
 * that never is quiet is diagnosed from time to time.
 *
 * So many at a time, judged in a thread that leaves the processor to the others: receiving spans comes first.
 * What waits is counted and shown.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable, type Patience, type Store } from '../store/store.ts';
import { diagnosisToSave } from './diagnosis-to-save.ts';

export interface DiagnosisLoop {
  /** Traces that wait to be diagnosed, those still growing included. */
  backlog(): number;
  /** Resolves when the traces in hand are done. */
  stop(): Promise<void>;
}

export interface DiagnosisOptions extends Partial<Patience> {
  readonly roundMs?: number;
}

const QUIET_MS = 2_000;
const WAIT_MS = 30_000;
const ROUND_MS = 500;
/** They share what is read for them: 1,000 traces take half as long as five times 200. */
const TOGETHER_MAX = 1_000;
/** They share one write to the disk; appends wait for it. */
const SAVED_TOGETHER = 200;

export function startDiagnosisLoop(store: Store, options: DiagnosisOptions = {}): DiagnosisLoop {
  const { quietMs = QUIET_MS, waitMs = WAIT_MS, roundMs = ROUND_MS } = options;
  const stopping = new AbortController();
  let backlog = 0;
  let isUnavailable = false;

  /** A trace that breaks the diagnosis must not keep the others from theirs: it is marked as done, without verdicts. */
  const giveUpOn = async (traceId: string, error: unknown): Promise<void> => {
    console.error(`diagnosis of trace ${traceId} failed:`, error);
    const spans = await store.readTrace(traceId);
    await store.saveDiagnoses([diagnosisToSave({ traceId, complete: false, verdicts: [] }, spans)]);
  };
  /** How many got their diagnosis. */
  const conclude = async (traceIds: readonly string[]): Promise<number> => {
    try {
      const diagnosed = await store.diagnoseTraces(traceIds);
      for (let at = 0; at < diagnosed.length; at += SAVED_TOGETHER) {
        await store.saveDiagnoses(diagnosed.slice(at, at + SAVED_TOGETHER));
      }
      return diagnosed.length;
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      if (traceIds.length === 1) await giveUpOn(traceIds[0]!, error);
      else for (const traceId of traceIds) if (!stopping.signal.aborted) await conclude([traceId]);
      return traceIds.length;
    }
  };
  /** Whether another is to follow at once. */
  const round = async (): Promise<boolean> => {
    const { traceIds, backlog: waiting } = await store.readUndiagnosed({ quietMs, waitMs }, TOGETHER_MAX);
    backlog = waiting;
    const concluded = traceIds.length === 0 ? 0 : await conclude(traceIds);
    backlog -= concluded;
    isUnavailable = false;
    return concluded > 0 && (concluded < traceIds.length || traceIds.length === TOGETHER_MAX);
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        if (await round()) continue;
      } catch (error) {
        // Said once per run of failures: a full disk fails every round.
        if (!isUnavailable && !stopping.signal.aborted) {
          const known = error instanceof StoreUnavailable;
          console.error('sockeye: diagnosis waits:', known ? error.message : error);
        }
        isUnavailable = true;
      }
      await sleep(roundMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const finished = run();

  return {
    backlog: () => backlog,
    stop() {
      stopping.abort();
      return finished;
    },
  };
}
