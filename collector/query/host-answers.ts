/**
 * Brings what hosts report to the verdicts that ask about it: at once what is known, and for a while what comes later, because a
 * host reports every ten seconds and one that is overloaded even later than that.
 */
import { mayConcern, viewHosts, type HostView, type ReportingHost } from '../diagnose/hosts/host-view.ts';
import type { HostQuestion } from '../diagnose/hosts/host-question.ts';
import type { DiagnosisToSave } from '../store/store.ts';

/** What hosts have reported lately, of those that are wanted. */
export type ReadHosts = (
  isWanted: (host: Pick<ReportingHost, 'host' | 'addresses'> & { services: ReadonlySet<string> }) => boolean,
) => readonly ReportingHost[];

export interface HostAnswers {
  /** By trace, where hosts say more than its verdicts know. What may be known later is waited for. */
  ask(diagnosed: readonly DiagnosisToSave[]): Map<string, readonly HostView[]>;
  /** Of the traces that wait, those about which more is known now. */
  due(): Map<string, readonly HostView[]>;
  /** These were diagnosed by what was said. */
  heard(diagnosed: readonly DiagnosisToSave[], said: ReadonlyMap<string, readonly HostView[]>): void;
  /** Of these no more is said. */
  forget(traceIds: Iterable<string>): void;
}

/** Of a moment longer ago, what a process last said of itself tells nothing; nor is the clock known of a sender that seems so late. */
const ASKED_WITHIN_MS = 60_000;
/** Three reports, and the time in which a process that reports no more is taken for stuck. */
const WAIT_MS = 40_000;
/** Each is looked at again by the thread of the network, for some 20 µs. */
const WAITING_MAX = 500;
const LOOK_EVERY_MS = 2_000;

interface Waiting {
  readonly questions: readonly HostQuestion[];
  readonly untilMs: number;
  /** What its verdicts were made by, as JSON. */
  said: string;
}

const NOTHING = '[]';

export function createHostAnswers(readHosts: ReadHosts, now: () => number = Date.now): HostAnswers {
  /** The one that has waited for longest comes first. */
  const waiting = new Map<string, Waiting>();
  let lookedMs = -Infinity;

  /** Of these traces, which hosts say something new about. */
  function answer(traceIds: Iterable<string>): Map<string, readonly HostView[]> {
    const asked = [...traceIds].flatMap((traceId) => {
      const found = waiting.get(traceId);
      return found === undefined ? [] : [{ traceId, ...found }];
    });
    if (asked.length === 0) return new Map();
    const all = asked.flatMap(({ questions }) => questions);
    const hosts = readHosts((host) => all.some((question) => mayConcern(question, host)));
    if (hosts.length === 0) return new Map();
    const answers = asked.map(({ traceId, questions, said }) => {
      const views = questions.flatMap((question) => viewHosts(question, hosts, now()));
      return { traceId, views, isNew: JSON.stringify(views) !== said };
    });
    return new Map(answers.filter(({ isNew }) => isNew).map(({ traceId, views }) => [traceId, views]));
  }

  function waitFor({ traceId, verdicts }: DiagnosisToSave): boolean {
    const questions = verdicts
      .map(({ question }) => question)
      .filter((question) => question !== null)
      .filter(({ toUnixMs }) => Math.abs(now() - toUnixMs) <= ASKED_WITHIN_MS);
    const known = waiting.get(traceId);
    waiting.delete(traceId);
    if (questions.length === 0) return false;
    waiting.set(traceId, { questions, untilMs: now() + WAIT_MS, said: known?.said ?? NOTHING });
    for (const oldest of waiting.keys()) {
      if (waiting.size <= WAITING_MAX) break;
      waiting.delete(oldest);
    }
    return true;
  }

  return {
    ask: (diagnosed) => answer(diagnosed.filter(waitFor).map(({ traceId }) => traceId)),
    due() {
      if (waiting.size === 0 || now() - lookedMs < LOOK_EVERY_MS) return new Map();
      lookedMs = now();
      const answers = answer(waiting.keys());
      for (const [traceId, { untilMs }] of waiting) if (untilMs <= now()) waiting.delete(traceId);
      return answers;
    },
    heard(diagnosed, said) {
      for (const { traceId, verdicts } of diagnosed) {
        const views = said.get(traceId);
        const known = waiting.get(traceId);
        if (known === undefined || views === undefined) continue;
        known.said = JSON.stringify(views);
        if (verdicts.every(({ question }) => question === null)) waiting.delete(traceId);
      }
    },
    forget(traceIds) {
      for (const traceId of traceIds) waiting.delete(traceId);
    },
  };
}
