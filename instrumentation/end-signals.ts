/**
 * SIGTERM and SIGINT that the program does not handle: they end it, and what it has recorded is sent before.
 *
 * A listener of `process` would be seen by the program, and by libraries that count listeners to know whether they are to
 * end it. And while one exists, a program that never returns to its event loop is not ended. So the signals are caught by
 * handles of their own, which nobody sees, and only while there is something to send. SIGINT is what a person sends to a
 * program that hangs: it is caught only while the program seems to rest. A supervisor that sends SIGTERM to one that is stuck
 * kills it later, and one that works has spans to send at any time. Spans that are open alone are reason to catch either of
 * a program that rests.
 *
 *     SIGTERM: span ends ─▶ caught ─▶ all is sent, and none is open ─▶ not caught
 *     SIGINT:  span ends ─▶ one turn of the loop ─▶ caught ─▶ all is sent, or a span starts ─▶ not caught
 */
import type { EventEmitter } from 'node:events';
import { setImmediate, setTimeout } from 'node:timers';
import { rootContext, runIn } from './context.ts';
import { guard } from './guard.ts';
import { putOver } from './put-over.ts';
import type { FastRecorder } from './record/fast-recorder.ts';
import type { UnendedSpans } from './recorder.ts';
import {
  catchSignal,
  findHandleClass,
  type CaughtSignal,
  type EndSignal,
  type SignalHandleClass,
} from './signal-handle.ts';

const signals: readonly EndSignal[] = ['SIGTERM', 'SIGINT'];
/** A program at work is not looked at again before: catching a signal and letting it go takes some 5 µs. */
const restMs = 50;

/** `handOver` sends what there is. It is called when a signal came that is about to end the program. */
export function catchEndSignals(
  { queue, activity }: FastRecorder,
  unended: UnendedSpans,
  handOver: () => void,
): void {
  let Handle: SignalHandleClass | undefined;
  const catching = new Map<EndSignal, CaughtSignal>();
  const lettingGo = new Map<EndSignal, CaughtSignal>();
  let isWaiting = false;

  const letGo = (signal: EndSignal) => {
    const caught = catching.get(signal);
    if (!caught) return;
    caught.letGo();
    catching.delete(signal);
    lettingGo.set(signal, caught);
  };
  const endCatching = () => {
    for (const each of [...catching.values(), ...lettingGo.values()]) each.end();
    catching.clear();
  };
  const wasEmitted = watchEmitted();
  const caught = (signal: EndSignal) => {
    // Whoever handles it decides what becomes of the program.
    if (process.listenerCount(signal) > 0 || wasEmitted(signal)) return;
    handOver();
    endCatching();
    process.kill(process.pid, signal);
  };
  const catchNow = guard((signal: EndSignal) => {
    if (!Handle || catching.has(signal) || (queue.isEmpty && unended.isEmpty())) return;
    catching.set(
      signal,
      catchSignal(Handle, signal, () => caught(signal)),
    );
  });
  const catchAtRest = () => {
    isWaiting = false;
    signals.forEach(catchNow);
  };
  const spanStarted = () => {
    // What runs in the span may be an endless loop, for which nothing is given up that has ended.
    if (queue.isEmpty) letGo('SIGTERM');
    if (isWaiting) return;
    isWaiting = true;
    letGo('SIGINT');
    runIn(rootContext, () => setTimeout(catchAtRest, restMs).unref());
  };

  queue.onPending = (isPending) => {
    if (!isPending) return unended.isEmpty() ? signals.forEach(letGo) : undefined;
    catchNow('SIGTERM');
    if (catching.has('SIGINT') || isWaiting) return undefined;
    isWaiting = true;
    // A program that goes straight on into an endless loop is to be ended by the signal.
    runIn(rootContext, () => setImmediate(catchAtRest));
    return undefined;
  };
  activity.onSpanStart = () => {
    activity.onSpanStart = spanStarted;
    findHandleClass((found) => {
      Handle = found;
      // A program that was busy until now has rested before there was anything to catch with.
      if (!queue.isEmpty || !isWaiting) signals.forEach(catchNow);
    });
    spanStarted();
  };
  watchOwnSignals(
    guard((signal) => {
      if (process.listenerCount(signal) > 0) return;
      if (catching.size > 0) handOver();
      endCatching();
    }),
  );
}

/**
 * Tells whether a signal was just emitted: its handles are called one after the other, and when Node's is called first, a
 * listener that was added by `once` is gone by the time the hook's is.
 */
function watchEmitted(): (signal: NodeJS.Signals) => boolean {
  const emitted = new Set<unknown>();
  const forget = () => emitted.clear();
  const observed = function (this: unknown, event: string | symbol): boolean {
    if (event === 'SIGTERM' || event === 'SIGINT') {
      emitted.add(event);
      // What comes after the handles in the turn of the loop that they are called in.
      runIn(rootContext, () => setImmediate(forget).unref());
    }
    return Reflect.apply(below.emit, this, arguments) as boolean;
  };
  Object.defineProperty(observed, 'name', { configurable: true, value: 'emit' });
  const below = putOver(process as EventEmitter, 'emit', observed);
  return (signal) => emitted.has(signal);
}

/**
 * A signal that the program sends itself takes effect at once, be there anything left for the event loop to do or not: it must
 * not wait for a handle. `sending` is told before.
 */
function watchOwnSignals(sending: (signal: EndSignal) => void): void {
  const { kill } = process;
  const numbers: Readonly<Record<string, unknown>> = process.getBuiltinModule('node:os').constants.signals;
  const observed = function (this: unknown, pid: number, signal?: string | number): true {
    const sent = signals.find((name) => name === (signal ?? 'SIGTERM') || numbers[name] === signal);
    if (sent && pid === process.pid) sending(sent);
    return Reflect.apply(kill, this, arguments) as true;
  };
  Object.defineProperty(observed, 'name', { configurable: true, value: 'kill' });
  Object.defineProperty(process, 'kill', {
    ...Object.getOwnPropertyDescriptor(process, 'kill'),
    value: observed,
  });
}
