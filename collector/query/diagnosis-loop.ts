/**
 * Diagnoses traces that failed, once they have been quiet for a moment, and again when more of their spans arrive. One
 * that never is quiet is diagnosed from time to time.
 *
 * One trace at a time and a bounded number per round, so that receiving spans always comes first; what waits is
 * counted and shown.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable, type DiagnosisToSave, type Patience, type Store } from '../store/store.ts';
import { diagnosisToSave } from './diagnosis-to-save.ts';

export interface DiagnosisLoop {
  /** Traces that wait to be diagnosed, those still growing included. */
  backlog(): number;
  /** Resolves when the trace in hand is done. */
  stop(): Promise<void>;
}

export interface DiagnosisOptions extends Partial<Patience> {
  readonly roundMs?: number;
}

/** null when the trace is not stored. */
export type DiagnoseStored = (traceId: string) => Promise<DiagnosisToSave | null>;

const QUIET_MS = 2_000;
const WAIT_MS = 30_000;
const ROUND_MS = 500;
const TRACES_PER_ROUND_MAX = 200;
const SAVED_TOGETHER = 20;

export function startDiagnosisLoop(
  store: Store,
  diagnose: DiagnoseStored,
  options: DiagnosisOptions = {},
): DiagnosisLoop {
  const { quietMs = QUIET_MS, waitMs = WAIT_MS, roundMs = ROUND_MS } = options;
  const stopping = new AbortController();
  let backlog = 0;
  let isUnavailable = false;

  /** A trace that breaks the diagnosis must not keep the others from theirs: it is marked as done, without verdicts. */
  const giveUpOn = async (traceId: string, error: unknown): Promise<void> => {
    if (error instanceof StoreUnavailable) throw error;
    console.error(`diagnosis of trace ${traceId} failed:`, error);
    const spans = await store.readTrace(traceId);
    await store.saveDiagnosis(diagnosisToSave({ traceId, complete: false, verdicts: [] }, spans));
  };
  /** Resolves when it is made, with its saving: those of several traces share one write to the disk. */
  const diagnoseOne = async (traceId: string): Promise<{ saved: Promise<unknown> }> => {
    try {
      const stored = await diagnose(traceId);
      const saved = stored === null ? Promise.resolve() : store.saveDiagnosis(stored);
      return { saved: saved.catch((error: unknown) => giveUpOn(traceId, error)) };
    } catch (error) {
      return { saved: giveUpOn(traceId, error) };
    }
  };
  const round = async (): Promise<void> => {
    const due = await store.readUndiagnosed({ quietMs, waitMs }, TRACES_PER_ROUND_MAX);
    backlog = due.backlog;
    for (let at = 0; at < due.traceIds.length && !stopping.signal.aborted; at += SAVED_TOGETHER) {
      const saving: Promise<unknown>[] = [];
      for (const traceId of due.traceIds.slice(at, at + SAVED_TOGETHER)) {
        if (stopping.signal.aborted) break;
        saving.push((await diagnoseOne(traceId)).saved.catch((error: unknown) => error));
      }
      const failed = (await Promise.all(saving)).find((outcome) => outcome instanceof Error);
      if (failed !== undefined) throw failed;
      backlog -= saving.length;
    }
    isUnavailable = false;
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await round();
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
