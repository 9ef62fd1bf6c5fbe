/** G: the time went into a service's own work, or into a database or dependency that was slow. */
import { numberAttribute, textAttribute, type Span, operationOf } from '../../span.ts';
import type { Case, Finding, Suspect } from '../case.ts';
import { attributeFact, errorFact, formatMs, historyFact, spanFact } from '../evidence.ts';
import type { GiveUpMoment } from '../give-ups.ts';
import { isLongByDesign } from '../long-by-design.ts';
import type { ManyCalls } from '../many-calls.ts';
import { hasSlowTail, isSpread, isSurelySpread, surelyNormalMs } from '../normals.ts';
import type { OriginSegment } from '../origin.ts';
import { errorText } from '../outcome.ts';
import type { TraceNode } from '../tree.ts';
import type { Evidence } from '../verdict.ts';
import { fewCallsFact, normalFact, VISIBLE_COUNT_MIN } from './whole-trace.ts';

/** A handler that ends within this of the client's leaving ended because of it. */
const LEFT_SLACK_MS = 50;

export function databaseOf({ attributes }: Span): string | null {
  return textAttribute(attributes, 'db.system.name') ?? textAttribute(attributes, 'db.system');
}

/** What only a call of a database says; the last is all that Zipkin's instrumentations of SQL say. */
const DATABASE_KEYS = ['db.system.name', 'db.system', 'db.query.text', 'db.statement', 'sql.query'] as const;

export function isDatabaseCall({ attributes }: Span): boolean {
  return DATABASE_KEYS.some((key) => attributes.has(key));
}

/** The database's own timer ended the statement. */
export function statementTimer({ call, failure }: Case): Finding | null {
  if (call === null || failure?.timer !== 'peer' || failure.kind !== 'timeout') return null;
  const text = errorText(call.span);
  const lock = /lock/i.test(text);
  if (!lock && !isDatabaseCall(call.span) && !/statement|MaxTimeMS|time limit|57014/i.test(text)) return null;
  const suspects = lock ? [{ code: 'G4' }] : [{ code: 'G2' }, { code: 'G4' }];
  return { confidence: 'likely', suspects, evidence: [errorFact(call)] };
}

/** Many calls in a row, each short. */
export function repeatedCalls({ origin, peer, many }: Case): Finding | null {
  if (origin.type !== 'repeated') return null;
  const [first] = origin.calls;
  const last = origin.calls.at(-1);
  if (first === undefined || last === undefined) return null;
  const { node, calls, usedMs } = origin;
  const { service } = node;
  const evidence = [
    ...(many === null ? [] : manyFacts(origin, many)),
    spanFact(
      node,
      `${calls.length} calls to ${peer} ("${operationOf(first.span)}"), ${formatMs(usedMs)} together`,
      calls.length,
    ),
    tookFact(first, 'the first of them'),
    tookFact(last, 'the last before the give-up'),
  ];
  const inRow = { code: 'G2', title: `${service} makes ${calls.length} calls to ${peer}, one after another` };
  const moreThanUsual = { code: 'G1', title: `${service} makes more calls to ${peer} than usual (N+1)` };
  const confidence = many?.isSure === true ? 'likely' : 'possible';
  if (many?.areMore === true) {
    const against = `each of them took ${formatMs(many.meanMs)} on average, as such a call does: ${formatMs(many.normal.p50Ms)}`;
    const suspects = [moreThanUsual, { code: 'G2', against }];
    return { confidence, suspects, favoured: 'G1', evidence };
  }
  if (confidence === 'likely') return { confidence, suspects: [inRow], evidence };
  // Whether there are more of them than usual, or each is slower, only what is normal tells.
  return { confidence, suspects: [inRow, moreThanUsual], favoured: 'G2', evidence };
}

function manyFacts(
  { node, calls }: OriginSegment,
  { areMore, isSure, meanMs, normal, caller }: ManyCalls,
): Evidence[] {
  const each = `each of them took ${formatMs(meanMs)} on average until the give-up, and such a call normally ${formatMs(normal.p50Ms)}`;
  const slow = caller.p90Ms > caller.p50Ms ? `, one in ten ${formatMs(caller.p90Ms)} or longer` : '';
  const all = `all of "${operationOf(node.span)}" normally takes ${formatMs(caller.p50Ms)}${slow}`;
  const together = `${calls.length} such calls ${formatMs(calls.length * normal.p50Ms)}`;
  const more = areMore && isSure ? ': there are more of them than usual' : '';
  return [historyFact(each, normal.p50Ms), historyFact(`${all}, and ${together}${more}`, caller.p50Ms)];
}

function tookFact(node: TraceNode, which: string): Evidence {
  const ms = node.endMs - node.startMs;
  return node.ended
    ? spanFact(node, `${which} took ${formatMs(ms)}`, ms)
    : spanFact(node, `${which} had not ended`);
}

/** An event loop that was blocked for more of the time ran nothing else: nobody waited in it. */
const BLOCKED_SHARE = 0.9;
/** One that was blocked for less was free. */
const FREE_SHARE = 0.1;
/** Collecting garbage, or out of its CPU quota, for more of the time, a process did not compute for itself. */
const HELD_SHARE = 0.5;

/** How much of the time in question, at least, its process spent so; null where that was not measured of the whole span. */
export function strainMeanwhileMs(
  { origin: { node }, giveUp }: Case,
  name: 'event_loop_blocked_ms' | 'event_loop_blocked_cpu_ms' | 'gc_ms' | 'throttled_ms',
): number | null {
  const ms = numberAttribute(node.span.attributes, `sockeye.process.${name}`);
  return ms === null || !node.ended ? null : Math.max(0, ms - Math.max(0, node.endMs - giveUp.atMs));
}

/** The event loop stood still nearly all the time. */
export function wasBlocked(of: Case): boolean {
  const { origin, call } = of;
  if (call !== null || origin.type !== 'own') return false;
  return (strainMeanwhileMs(of, 'event_loop_blocked_ms') ?? 0) >= BLOCKED_SHARE * windowMs(of);
}

/** The span's share of the time that its caller waited. */
function windowMs({ origin: { node }, giveUp }: Case): number {
  return Math.min(node.endMs, giveUp.atMs) - node.startMs;
}

/** What took longer than so many times the normal time was slower than normal. */
const SLOW_TIMES = 2;

/** Nothing below the span used the time. */
export function ownWork(of: Case): Finding | null {
  const { origin, call, giveUp } = of;
  if (call !== null || origin.type !== 'own') return null;
  const { node } = origin;
  const leftMs = numberAttribute(node.span.attributes, 'sockeye.client.left_ms');
  const durationMs = node.endMs - node.startMs;
  const evidence = [
    spanFact(
      node,
      `${formatMs(origin.usedMs)} in "${operationOf(node.span)}" of ${node.service}, ${belowWords(node)}`,
      origin.usedMs,
    ),
    attributeFact(node, 'sockeye.client.left_ms', 'the client left after this time'),
    knownFact(of),
    ...strainFacts(of),
  ];
  const endedAsClientLeft = leftMs !== null && Math.abs(durationMs - leftMs) <= LEFT_SLACK_MS;
  const slowerThanNormal = origin.normalMs !== null && durationMs > SLOW_TIMES * origin.normalMs;
  const tooShort = slowerThanNormal ? [] : [{ code: wasAnsweredInItsStead(giveUp) ? 'E1' : 'F1' }];
  if (wasBlocked(of)) {
    const { codes, confidence } = whileBlocked(of);
    const suspects = [...codes.map((code) => ({ code })), ...tooShort];
    return { confidence, suspects, favoured: codes[0], evidence };
  }
  // Own code and calls that make no spans look the same from outside.
  const suspects: Suspect[] = [
    { code: 'G1' },
    { code: 'G2' },
    { code: 'G4' },
    { code: 'C3', ...ruledOutByLoop(of) },
  ];
  const isLeft = node.span.kind === 'server' && node !== giveUp.node;
  const mayNeverAnswer = !node.ended || endedAsClientLeft;
  if (isLeft && wasLeftEarly(of)) {
    const favoured = tooShort[0]?.code ?? 'G1';
    return { confidence: 'possible', suspects: [...tooShort, ...suspects], favoured, evidence };
  }
  // Many such calls are answered, once it comes to them; if the work or its turn took so long, is not known.
  if (isLeft && isSurelySpread(of.known)) {
    const isUsual = windowMs(of) <= SLOW_TIMES * of.known.p50Ms;
    suspects.push({ code: 'C5' });
    if (isUsual && mayNeverAnswer) {
      const against = 'many such calls take about as long, and are answered';
      suspects.push({ code: 'G3', against, isLast: true });
    }
    if (isUsual) return { confidence: 'possible', suspects, favoured: 'C5', evidence };
  }
  if (isLeft && mayNeverAnswer) {
    // Whether it would have answered a little later, nobody waited to see.
    const set = [...suspects, { code: 'G3' }, ...tooShort];
    return { confidence: 'possible', suspects: set, favoured: 'G3', evidence };
  }
  // One that ended in its own time answers.
  const mayHang = !isLeft || (leftMs === null && Math.abs(node.endMs - giveUp.atMs) <= LEFT_SLACK_MS);
  const set = [...suspects, ...(mayHang ? [{ code: 'G3' }] : []), ...tooShort];
  return { confidence: 'possible', suspects: set, favoured: 'G1', evidence };
}

/** Its caller got a 504 of somebody in between, who had a timer. */
function wasAnsweredInItsStead({ kind, node }: GiveUpMoment): boolean {
  return kind === 'gateway' && node.span.kind === 'client';
}

/** Calls that are long by design are not taken for what the time went into; that they are there is said. */
export function belowWords({ children }: TraceNode): string {
  const waiting = children.find(({ span }) => span.kind === 'client' && isLongByDesign(span));
  const but = waiting === undefined ? '' : ` but "${operationOf(waiting.span)}", which waits by design`;
  return `with nothing recorded below${but}`;
}

function knownFact({ origin: { node, normalMs }, known }: Case): Evidence | null {
  if (known === null) return null;
  if (normalMs === null) return fewCallsFact(node, known.count, known.p50Ms);
  if (isSpread(known) || hasSlowTail(known)) return normalFact(node, known);
  return historyFact(`"${operationOf(node.span)}" normally takes ${formatMs(normalMs)}`, normalMs);
}

/** Nobody waited for it as long as it takes: whether it would have answered is not known. */
function wasLeftEarly(of: Case): boolean {
  const { known, giveUp, origin } = of;
  const isLeft = origin.node.ended && origin.node.endMs >= giveUp.atMs - LEFT_SLACK_MS;
  return isLeft && known !== null && known.count >= VISIBLE_COUNT_MIN && windowMs(of) < surelyNormalMs(known);
}

function strainFacts(of: Case): (Evidence | null)[] {
  const { node } = of.origin;
  const fact = (name: string, what: string) => {
    const ms = numberAttribute(node.span.attributes, `sockeye.process.${name}`);
    const during = node.ended ? ` of its ${formatMs(node.endMs - node.startMs)}` : '';
    return ms === null
      ? null
      : attributeFact(node, `sockeye.process.${name}`, `${what} ${formatMs(ms)}${during}`);
  };
  return [
    fact('event_loop_blocked_ms', 'its event loop was blocked for'),
    wasBlocked(of) ? fact('event_loop_blocked_cpu_ms', 'its thread computed meanwhile for') : null,
    ...(wasHeld(of)
      ? [fact('gc_ms', 'it collected garbage for'), fact('throttled_ms', 'it was out of its CPU quota for')]
      : []),
  ];
}

/**
 * Its timers are as late where it computes as where it does not run at all: stopped, without a processor, or held in a call that
 * does not return. The CPU time of its thread tells one from the other.
 */
function whileBlocked(of: Case): {
  readonly codes: [string, string];
  readonly confidence: 'likely' | 'possible';
} {
  if (wasHeld(of)) return { codes: ['C3', 'G1'], confidence: 'likely' };
  const computedMs = strainMeanwhileMs(of, 'event_loop_blocked_cpu_ms');
  if (computedMs === null) return { codes: ['G1', 'C3'], confidence: 'possible' };
  if (computedMs >= HELD_SHARE * windowMs(of)) return { codes: ['G1', 'C3'], confidence: 'likely' };
  return { codes: ['C3', 'G1'], confidence: 'possible' };
}

function wasHeld(of: Case): boolean {
  return (['gc_ms', 'throttled_ms'] as const).some(
    (name) => (strainMeanwhileMs(of, name) ?? 0) >= HELD_SHARE * windowMs(of),
  );
}

/** Even if all of it was while the caller waited. */
function ruledOutByLoop(of: Case): Pick<Suspect, 'against' | 'isRuledOut'> {
  const { node } = of.origin;
  const valueOf = (name: string) => numberAttribute(node.span.attributes, `sockeye.process.${name}`);
  const blockedMs = valueOf('event_loop_blocked_ms');
  const mostMs = Math.max(blockedMs ?? Infinity, valueOf('throttled_ms') ?? 0, valueOf('gc_ms') ?? 0);
  if (!node.ended || blockedMs === null || mostMs >= FREE_SHARE * windowMs(of)) return {};
  return { against: `the event loop of ${node.service} was free`, isRuledOut: true };
}
