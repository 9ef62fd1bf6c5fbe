/** Catches a signal by a handle of its own, as Node's listeners do, but one that the program does not see. */
import { executionAsyncResource } from 'node:async_hooks';
import { setImmediate } from 'node:timers';
import { rootContext, runIn } from './context.ts';
import { guard } from './guard.ts';

export type EndSignal = 'SIGTERM' | 'SIGINT';

/** What Node itself catches signals with. */
interface SignalHandle {
  onsignal: () => void;
  start(signal: number): void;
  stop(): void;
  close(closed: () => void): void;
  unref(): void;
}
export type SignalHandleClass = new () => SignalHandle;

/** Node does not give the class out, but in a listener the handle is what runs: so the process sends itself a signal, one that does nothing. */
export function findHandleClass(found: (Handle: SignalHandleClass) => void): void {
  if (process.platform === 'win32') return;
  const listener = guard(() => {
    process.off('SIGURG', listener);
    const handle = executionAsyncResource() as Partial<SignalHandle>;
    if (typeof handle.start === 'function' && typeof handle.close === 'function') {
      found(handle.constructor as SignalHandleClass);
    }
  });
  runIn(rootContext, () => process.on('SIGURG', listener));
  process.kill(process.pid, 'SIGURG');
}

export interface CaughtSignal {
  /** What the program does next is ended by the signal; one that came before is still told. */
  letGo(): void;
  /** The signal takes effect from now on, and is told no more. */
  end(): void;
}

/**
 * Calls `caught` for a signal that comes before it is let go.
 *
 * libuv does not tell a handle that is stopped of a signal that came when it was not, and the event loop reads what came only
 * when it polls. So until it has polled, the handle is stopped only while the program's callback runs; and what comes between
 * the poll and the stop for good is told by how long closing takes: libuv closes handles of one turn in reverse order, but
 * one with a signal to read a turn later.
 *
 *     let go ─▶ stopped ─▶ end of the callback ─▶ started ─▶ poll ─▶ closed
 */
export function catchSignal(Handle: SignalHandleClass, signal: EndSignal, caught: () => void): CaughtSignal {
  const number = process.getBuiltinModule('node:os').constants.signals[signal];
  const handle = new Handle();
  let isEnded = false;
  let isClosing = false;
  const tell = guard(() => {
    if (!isEnded) caught();
  });
  const restart = guard(() => {
    if (!isEnded && !isClosing) handle.start(number);
  });
  const close = guard(() => {
    let isClosed = false;
    isClosing = true;
    new Handle().close(() => {
      if (!isClosed) tell();
    });
    handle.close(() => {
      isClosed = true;
    });
  });
  handle.unref();
  handle.onsignal = tell;
  handle.start(number);
  return {
    letGo() {
      handle.stop();
      runIn(rootContext, () => {
        process.nextTick(restart);
        setImmediate(close);
      });
    },
    end() {
      isEnded = true;
      if (!isClosing) handle.stop();
    },
  };
}
