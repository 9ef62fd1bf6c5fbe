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
import { createHostAnswers, type ReadHosts, type Said } from './host-answers.ts';
import { StoreUnavailable, type DiagnosisToSave, type Patience, type Store } from '../store/store.ts';

export interface DiagnosisLoop {
  /** Traces that wait to be diagnosed, those still growing included. */
  backlog(): number;
  /** How many do not wait for what hosts report, because too many did. */
  evicted(): number;
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
  const portion = createPortion();
  /** Of those diagnosed again by what hosts say. */
  const toldPortion = createPortion();
  /** Traces of the last round. */
  let last: ReadonlySet<string> = new Set();

  /** A trace that breaks the diagnosis must not keep the others from theirs: it is marked as done, without verdicts. */
  const giveUpOn = async (traceId: string, error: unknown): Promise<void> => {
    console.error(`diagnosis of trace ${traceId} failed:`, error);
    await store.saveDiagnoses([withoutVerdicts(traceId)]);
    answers.forget([traceId]);
  };
  /** Whether to go on at once. */
  const recover = async (traceIds: readonly string[], error: unknown): Promise<boolean> => {
    if (stopping.signal.aborted) throw error;
    if (portion.failed(traceIds.length, error)) await giveUpOn(traceIds[0]!, error);
    else if (error instanceof StoreUnavailable) throw error;
    return true;
  };
  /** Those that could not be diagnosed by what hosts say stay as they are, and are tried again; one alone that fails is not. */
  const recoverTold = (said: Said, error: unknown): void => {
    if (stopping.signal.aborted) return;
    if (!toldPortion.failed(said.size, error)) return;
    const [traceId] = said.keys();
    console.error(`diagnosis of trace ${traceId} by counters of hosts failed:`, error);
    answers.forget(said.keys());
  };
  /** Diagnoses those traces again that hosts say more of, as many as take a moment. */
  const diagnoseBy = async (said: Said): Promise<DiagnosisToSave[]> => {
    if (said.size === 0) return [];
    const traceIds = [...said.keys()];
    try {
      const diagnosed = await store.diagnoseTraces(traceIds, said);
      answers.forget(unreadable(traceIds, diagnosed));
      return diagnosed;
    } catch (error) {
      recoverTold(said, error);
      return [];
    }
  };
  /** Of those that were `revised` by what was said, it counts as heard once they are saved. */
  const save = async (
    diagnosed: readonly DiagnosisToSave[],
    revised: ReadonlySet<DiagnosisToSave>,
    said: Said,
  ): Promise<void> => {
    for (let at = 0; at < diagnosed.length; at += SAVED_TOGETHER) {
      const saved = diagnosed.slice(at, at + SAVED_TOGETHER);
      await store.saveDiagnoses(saved);
      answers.heard(
        saved.filter((each) => revised.has(each)),
        said,
      );
    }
  };
  /** Of the traces that wait for what hosts report. */
  const revise = async (): Promise<void> => {
    const said = answers.due(toldPortion.size());
    const diagnosed = await diagnoseBy(said);
    if (diagnosed.length === 0) return;
    try {
      await save(diagnosed, new Set(diagnosed), said);
      toldPortion.succeeded();
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      recoverTold(said, error);
    }
  };
  /** Whether another is to follow at once. */
  const round = async (): Promise<boolean> => {
    const { traceIds, backlog: waiting } = await store.readUndiagnosed({ quietMs, waitMs }, portion.size());
    backlog = waiting;
    const wasFull = traceIds.length === portion.size();
    const isNew = traceIds.some((traceId) => !last.has(traceId));
    last = new Set(traceIds);
    let diagnosed: DiagnosisToSave[] = [];
    let revised: DiagnosisToSave[] = [];
    let said: Said = new Map();
    if (traceIds.length > 0) {
      try {
        diagnosed = [...(await store.diagnoseTraces(traceIds))];
        diagnosed.push(...unreadable(traceIds, diagnosed).map(withoutVerdicts));
        said = answers.ask(diagnosed);
        revised = await diagnoseBy(said);
        diagnosed = replaced(diagnosed, revised);
      } catch (error) {
        return recover(traceIds, error);
      }
    }
    try {
      await save(diagnosed, new Set(revised), said);
    } catch (error) {
      // A full store takes none, whichever they are.
      if (error instanceof StoreUnavailable) throw error;
      return recover(traceIds, error);
    }
    backlog -= diagnosed.length;
    portion.succeeded();
    isUnavailable = false;
    // Those that are due again each time, because not all of their spans can be read, wait for the next round.
    return isNew && (wasFull || diagnosed.length < traceIds.length);
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const isMore = await round();
        await revise();
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
    evicted: answers.evicted,
    stop() {
      stopping.abort();
      return finished;
    },
  };
}

/** How many traces are tried together: after a failure half as many, until the one that fails is alone. */
function createPortion() {
  let size = TOGETHER_MAX;
  let failuresAlone = 0;
  return {
    size: () => size,
    succeeded() {
      size = Math.min(TOGETHER_MAX, size * 2);
      failuresAlone = 0;
    },
    /** Whether it was one alone, that is to be given up. */
    failed(count: number, error: unknown): boolean {
      size = Math.ceil(count / 2);
      if (count > 1) return false;
      // A thread that broke says the same as a store that is full or closed.
      if (error instanceof StoreUnavailable && ++failuresAlone < FAILURES_ALONE_MAX) return false;
      failuresAlone = 0;
      return true;
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
