/**
 * Diagnoses traces that failed, once they have been quiet for a moment, and again when more of their spans arrive. One
 * that never is quiet is diagnosed from time to time.
 *
 * What hosts say of their calls is asked for with the verdicts, and for a while after them.
 *
 * So many at a time, judged in a thread that leaves the processor to the others: receiving spans comes first.
 * What waits is counted and shown.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createHostAnswers, type ReadHosts } from './host-answers.ts';
import { StoreUnavailable, type DiagnosisToSave, type Patience, type Store } from '../store/store.ts';

export interface DiagnosisLoop {
  /** Traces that wait to be diagnosed, those still growing included. */
  backlog(): number;
  /** Resolves when the traces in hand are done. */
  stop(): Promise<void>;
}

export interface DiagnosisOptions extends Partial<Patience> {
  readonly roundMs?: number;
  /** None by default. */
  readonly readHosts?: ReadHosts;
}

const QUIET_MS = 2_000;
const WAIT_MS = 30_000;
const ROUND_MS = 500;
/** They share what is read for them: 1,000 traces take half as long as five times 200. */
const TOGETHER_MAX = 1_000;
/** As often a trace may break the thread of diagnoses by itself. */
const FAILURES_ALONE_MAX = 10;
/** They share one write to the disk; appends wait for it. */
const SAVED_TOGETHER = 200;

export function startDiagnosisLoop(store: Store, options: DiagnosisOptions = {}): DiagnosisLoop {
  const { quietMs = QUIET_MS, waitMs = WAIT_MS, roundMs = ROUND_MS, readHosts = () => [] } = options;
  const answers = createHostAnswers(readHosts);
  const stopping = new AbortController();
  let backlog = 0;
  let isUnavailable = false;
  let together = TOGETHER_MAX;
  let failuresAlone = 0;
  /** Traces of the last round. */
  let last: ReadonlySet<string> = new Set();

  /** A trace that breaks the diagnosis must not keep the others from theirs: it is marked as done, without verdicts. */
  const giveUpOn = async (traceId: string, error: unknown): Promise<void> => {
    console.error(`diagnosis of trace ${traceId} failed:`, error);
    await store.saveDiagnoses([withoutVerdicts(traceId)]);
  };
  /** After a failure half as many are tried, until the one that failed is alone. Whether to go on at once. */
  const recover = async (traceIds: readonly string[], error: unknown): Promise<boolean> => {
    if (stopping.signal.aborted) throw error;
    const isAlone = traceIds.length === 1;
    together = Math.ceil(traceIds.length / 2);
    // A thread that broke says the same as a store that is full or closed.
    if (error instanceof StoreUnavailable && !(isAlone && ++failuresAlone >= FAILURES_ALONE_MAX)) throw error;
    failuresAlone = 0;
    if (isAlone) await giveUpOn(traceIds[0]!, error);
    return true;
  };
  /** Diagnoses those traces again that hosts say more of; where that fails, they stay as they are. */
  const diagnoseBy = async (said: ReturnType<typeof answers.due>): Promise<DiagnosisToSave[]> => {
    if (said.size === 0) return [];
    try {
      const diagnosed = await store.diagnoseTraces([...said.keys()], said);
      answers.heard(diagnosed, said);
      return diagnosed;
    } catch (error) {
      answers.forget(said.keys());
      if (!stopping.signal.aborted) console.error('sockeye: diagnosis by counters of hosts failed:', error);
      return [];
    }
  };
  const save = async (diagnosed: readonly DiagnosisToSave[]): Promise<void> => {
    for (let at = 0; at < diagnosed.length; at += SAVED_TOGETHER) {
      await store.saveDiagnoses(diagnosed.slice(at, at + SAVED_TOGETHER));
    }
  };
  /** Whether another is to follow at once. */
  const round = async (): Promise<boolean> => {
    const { traceIds, backlog: waiting } = await store.readUndiagnosed({ quietMs, waitMs }, together);
    backlog = waiting;
    const isNew = traceIds.some((traceId) => !last.has(traceId));
    last = new Set(traceIds);
    let diagnosed: DiagnosisToSave[] = [];
    if (traceIds.length > 0) {
      try {
        diagnosed = [...(await store.diagnoseTraces(traceIds))];
        diagnosed.push(...unreadable(traceIds, diagnosed).map(withoutVerdicts));
        diagnosed = replaced(diagnosed, await diagnoseBy(answers.ask(diagnosed)));
      } catch (error) {
        return recover(traceIds, error);
      }
    }
    try {
      await save(diagnosed);
    } catch (error) {
      // A full store takes none, whichever they are.
      if (error instanceof StoreUnavailable) throw error;
      return recover(traceIds, error);
    }
    const wasFull = traceIds.length === together;
    backlog -= diagnosed.length;
    together = Math.min(TOGETHER_MAX, together * 2);
    failuresAlone = 0;
    isUnavailable = false;
    // Those that are due again each time, because not all of their spans can be read, wait for the next round.
    return isNew && (wasFull || diagnosed.length < traceIds.length);
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const isMore = await round();
        await save(await diagnoseBy(answers.due()));
        if (isMore) continue;
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

/** `newer` take the places of those of the same traces. */
function replaced(
  diagnosed: readonly DiagnosisToSave[],
  newer: readonly DiagnosisToSave[],
): DiagnosisToSave[] {
  const byTrace = new Map(newer.map((each) => [each.traceId, each]));
  return diagnosed.map((each) => byTrace.get(each.traceId) ?? each);
}

/** It waits no more, however many spans it has: to read them again for a count may be what broke. */
function withoutVerdicts(traceId: string): DiagnosisToSave {
  return { traceId, spanCount: Number.MAX_SAFE_INTEGER, entry: { service: '', operation: '' }, verdicts: [] };
}

/** What no answer came for although one came for a trace after it, and the first in any case: they are there no more. */
function unreadable(traceIds: readonly string[], diagnosed: readonly DiagnosisToSave[]): string[] {
  const answered = new Set(diagnosed.map(({ traceId }) => traceId));
  const asked = Math.max(
    1,
    traceIds.findLastIndex((traceId) => answered.has(traceId)),
  );
  return traceIds.slice(0, asked).filter((traceId) => !answered.has(traceId));
}
