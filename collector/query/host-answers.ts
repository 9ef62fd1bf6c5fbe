/**
 * Brings what hosts report to the verdicts that ask about it: at once what is known, and for a while what comes later, because a
 * host reports every ten seconds and one that is overloaded even later than that.
 */
import { indexHosts, wantedBy, type HostNames } from '../diagnose/hosts/host-index.ts';
import { CALLEES_MAX, viewHosts, type HostView, type ReportingHost } from '../diagnose/hosts/host-view.ts';
import type { HostQuestion } from '../diagnose/hosts/host-question.ts';
import type { DiagnosisToSave } from '../store/store.ts';

/** What hosts have reported lately, of those that are wanted. */
export type ReadHosts = (isWanted: (host: HostNames) => boolean) => readonly ReportingHost[];

/** By trace, what hosts say around its calls. */
export type Said = ReadonlyMap<string, readonly HostView[]>;

export interface HostAnswers {
  /** Of those traces about which hosts say more than their verdicts know. What may be known later is waited for. */
  ask(diagnosed: readonly DiagnosisToSave[]): Said;
  /** Of the traces that wait, so many at most of those about which more is known now; said again until it is heard. */
  due(limit: number): Said;
  /** These were diagnosed by what was said, and saved. */
  heard(saved: readonly DiagnosisToSave[], said: Said): void;
  /** Of these no more is said. */
  forget(traceIds: Iterable<string>): void;
  /** How many traces wait no more because too many did. */
  evicted(): number;
}

/** Of a moment longer ago, what a process last said of itself tells nothing; nor is the clock known of a sender that seems so late. */
const ASKED_WITHIN_MS = 60_000;
/** Three reports, and the time in which a process that reports no more is taken for stuck. */
const WAIT_MS = 40_000;
/** Each is looked at again by the thread of the network, for some 20 µs a question. */
const WAITING_MAX = 500;
/** Of one trace, those of its first verdicts, which say why it failed. */
const QUESTIONS_MAX = 10;
const LOOK_EVERY_MS = 2_000;

interface Waiting {
  /** Spans that came meanwhile may tell whom to ask. */
  questions: readonly HostQuestion[];
  readonly untilMs: number;
  /** What its verdicts were made by, as `told` writes it. */
  said: string;
}

/** They are a little different with each new report, which alone changes no verdict. */
const UNTOLD: ReadonlySet<string> = new Set(['from', 'to', 'at', 'clocksApartMs']);
const NOTHING = told([]);

export function createHostAnswers(readHosts: ReadHosts, now: () => number = Date.now): HostAnswers {
  /** The one that has waited for longest comes first. */
  const waiting = new Map<string, Waiting>();
  let lookedMs = -Infinity;
  let evicted = 0;

  /** Of these traces, which hosts say something new about; of the first `limit`. */
  function answer(traceIds: Iterable<string>, limit = Infinity): Said {
    const answers = new Map<string, readonly HostView[]>();
    const asked = [...traceIds].map((traceId) => [traceId, waiting.get(traceId)!] as const);
    if (asked.length === 0) return answers;
    const hosts = readHosts(wantedBy(asked.flatMap(([, { questions }]) => questions)));
    if (hosts.length === 0) return answers;
    // One more than may be meant, so that too many are seen to be.
    const hostsOf = indexHosts(hosts, CALLEES_MAX + 1);
    for (const [traceId, { questions, said }] of asked) {
      if (answers.size >= limit) break;
      const views = questions.flatMap((question) => viewHosts(question, hostsOf(question), now()));
      if (told(views) !== said) answers.set(traceId, views);
    }
    return answers;
  }

  const isAskedInTime = ({ toUnixMs }: HostQuestion): boolean =>
    Math.abs(now() - toUnixMs) <= ASKED_WITHIN_MS;
  const questionsOf = (
    { verdicts }: DiagnosisToSave,
    isAsked: (question: HostQuestion) => boolean,
  ): HostQuestion[] =>
    verdicts
      .map(({ question }) => question)
      .filter((question) => question !== null)
      .filter(isAsked)
      .filter(({ spanId }, index, open) => open.findIndex((other) => other.spanId === spanId) === index)
      .slice(0, QUESTIONS_MAX);

  function waitFor(diagnosis: DiagnosisToSave): boolean {
    const { traceId } = diagnosis;
    const questions = questionsOf(diagnosis, isAskedInTime);
    const known = waiting.get(traceId);
    waiting.delete(traceId);
    if (questions.length === 0) return false;
    waiting.set(traceId, { questions, untilMs: now() + WAIT_MS, said: known?.said ?? NOTHING });
    return true;
  }

  /** Once those that were asked for together have heard what is known already: many need no more. */
  function evict(): void {
    for (const oldest of waiting.keys()) {
      if (waiting.size <= WAITING_MAX) return;
      waiting.delete(oldest);
      evicted++;
    }
  }

  return {
    ask(diagnosed) {
      evict();
      return answer(diagnosed.filter(waitFor).map(({ traceId }) => traceId));
    },
    due(limit) {
      evict();
      if (waiting.size === 0 || now() - lookedMs < LOOK_EVERY_MS) return new Map();
      const answers = answer(waiting.keys(), limit);
      // Of others more may be known already.
      if (answers.size >= limit) return answers;
      lookedMs = now();
      for (const [traceId, { untilMs }] of waiting) if (untilMs <= now()) waiting.delete(traceId);
      return answers;
    },
    heard(saved, said) {
      for (const diagnosis of saved) {
        const views = said.get(diagnosis.traceId);
        const known = waiting.get(diagnosis.traceId);
        if (known === undefined || views === undefined) continue;
        // Asked in time, it waits to its end.
        known.questions = questionsOf(diagnosis, () => true);
        // As it would be said again, of what is still asked.
        known.said = told(
          known.questions.flatMap((question) => views.filter(({ spanId }) => spanId === question.spanId)),
        );
        if (known.questions.length === 0) waiting.delete(diagnosis.traceId);
      }
    },
    forget(traceIds) {
      for (const traceId of traceIds) waiting.delete(traceId);
    },
    evicted: () => evicted,
  };
}

/** What a verdict is made by. */
function told(views: readonly HostView[]): string {
  return JSON.stringify(views, (key, value: unknown) => (UNTOLD.has(key) ? undefined : value));
}
