/**
 * SIGTERM and SIGINT that the program does not handle: they end it, and what it has recorded is sent before.
 *
 * A listener of `process` would be seen by the program, and by libraries that count listeners to know whether they are to
 * end it. And while one exists, a program that never returns to its event loop is not ended. So the signals are caught by
 * handles of their own, which nobody sees, and only while there is something to send and the program seems to rest:
 *
 *     span ends ─▶ one turn of the loop ─▶ caught ─▶ all is sent, or a span starts ─▶ not caught
 */
import { executionAsyncResource } from 'node:async_hooks';
import { setImmediate, setTimeout } from 'node:timers';
import { rootContext, runIn } from './context.ts';
import { guard } from './guard.ts';
import type { FastRecorder } from './record/fast-recorder.ts';

/** What Node itself catches signals with. */
interface SignalHandle {
  onsignal: () => void;
  start(signal: number): void;
  stop(): void;
  unref(): void;
}
type SignalHandleClass = new () => SignalHandle;

const signals = ['SIGTERM', 'SIGINT'] as const;
/** A program at work is not looked at again before: catching the signals and letting go takes some 5 µs. */
const restMs = 50;

/** `handOver` sends what there is. It is called when a signal came that is about to end the program. */
export function catchEndSignals({ queue, activity }: FastRecorder, handOver: () => void): void {
  let handles: Map<number, SignalHandle> | undefined;
  let isCatching = false;
  let isWaiting = false;

  const letGo = () => {
    isCatching = false;
    for (const handle of handles?.values() ?? []) handle.stop();
  };
  const wasEmitted = watchEmitted();
  const caught = guard((signal: NodeJS.Signals) => {
    // Whoever handles it decides what becomes of the program.
    if (process.listenerCount(signal) > 0 || wasEmitted(signal)) return;
    handOver();
    letGo();
    process.kill(process.pid, signal);
  });
  const catchNow = guard(() => {
    isWaiting = false;
    if (isCatching || queue.isEmpty || !handles) return;
    for (const [signal, handle] of handles) handle.start(signal);
    isCatching = true;
  });

  queue.onPending = (isPending) => {
    if (!isPending) return letGo();
    if (isCatching || isWaiting) return undefined;
    isWaiting = true;
    // A program that goes straight on into an endless loop is to be ended by the signal.
    runIn(rootContext, () => setImmediate(catchNow));
    return undefined;
  };
  activity.onSpanStart = () => {
    activity.onSpanStart = () => {
      if (!isCatching) return;
      letGo();
      isWaiting = true;
      runIn(rootContext, () => setTimeout(catchNow, restMs).unref());
    };
    findHandleClass((Handle) => {
      handles = createHandles(Handle, caught);
      catchNow();
    });
  };
  watchOwnSignals(
    guard((signal) => {
      if (!isCatching || process.listenerCount(signal) > 0) return;
      handOver();
      letGo();
    }),
  );
}

/**
 * Tells whether a signal was just emitted: its handles are called one after the other, and when Node's is called first, a
 * listener that was added by `once` is gone by the time the hook's is.
 */
function watchEmitted(): (signal: NodeJS.Signals) => boolean {
  const { emit } = process;
  const emitted = new Set<unknown>();
  const forget = () => emitted.clear();
  const observed = function (this: unknown, event: string | symbol): boolean {
    if (event === 'SIGTERM' || event === 'SIGINT') {
      emitted.add(event);
      // What comes after the handles in the turn of the loop that they are called in.
      runIn(rootContext, () => setImmediate(forget).unref());
    }
    return Reflect.apply(emit, this, arguments) as boolean;
  };
  Object.defineProperty(observed, 'name', { configurable: true, value: 'emit' });
  Object.defineProperty(process, 'emit', { configurable: true, writable: true, value: observed });
  return (signal) => emitted.has(signal);
}

/**
 * A signal that the program sends itself takes effect at once, be there anything left for the event loop to do or not: it must
 * not wait for a handle. `sending` is told before.
 */
function watchOwnSignals(sending: (signal: (typeof signals)[number]) => void): void {
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

function createHandles(
  Handle: SignalHandleClass,
  caught: (signal: NodeJS.Signals) => void,
): Map<number, SignalHandle> {
  const { signals: numbers } = process.getBuiltinModule('node:os').constants;
  return new Map(
    signals.map((signal) => {
      const handle = new Handle();
      handle.unref();
      handle.onsignal = () => caught(signal);
      return [numbers[signal], handle];
    }),
  );
}

/** Node does not give the class out, but in a listener the handle is what runs: so the process sends itself a signal, one that does nothing. */
function findHandleClass(found: (Handle: SignalHandleClass) => void): void {
  if (process.platform === 'win32') return;
  const listener = guard(() => {
    process.off('SIGURG', listener);
    const handle = executionAsyncResource() as Partial<SignalHandle>;
    if (typeof handle.start === 'function' && typeof handle.stop === 'function') {
      found(handle.constructor as SignalHandleClass);
    }
  });
  runIn(rootContext, () => process.on('SIGURG', listener));
  process.kill(process.pid, 'SIGURG');
}
