/**
 * Places for work that keeps much in memory while it goes on. Who finds none free waits in line for one, and leaves the
 * line when its caller goes away.
 */
import { Cancelled, StoreUnavailable } from '../../store/store.ts';

/** One that may be taken, once. */
export interface Place {
  readonly isHeld: boolean;
  /**
   * Rejects with StoreUnavailable when too many wait, or at the end; with Cancelled when the signal fires first, or when it
   * was released by then.
   */
  take(): Promise<void>;
  /** For good. */
  release(): void;
}

export interface Places {
  place(signal: AbortSignal | undefined): Place;
  /** Those in line get none. */
  close(): void;
}

export function createPlaces(count: number, waitingMax: number): Places {
  let free = count;
  const line = new Set<PromiseWithResolvers<void>>();

  const take = async (signal: AbortSignal | undefined): Promise<void> => {
    if (signal?.aborted === true) throw new Cancelled('the caller went away');
    if (free > 0) return void free--;
    if (line.size >= waitingMax)
      throw new StoreUnavailable(
        `${line.size} wait until one of ${count} large traces is written; try again`,
      );
    const waiting = Promise.withResolvers<void>();
    line.add(waiting);
    const leave = (): void => {
      if (line.delete(waiting)) waiting.reject(new Cancelled('the caller went away'));
    };
    signal?.addEventListener('abort', leave, { once: true });
    return waiting.promise;
  };
  const giveBack = (): void => {
    const [first] = line;
    if (first === undefined) return void free++;
    line.delete(first);
    first.resolve();
  };

  return {
    place(signal) {
      let isHeld = false;
      let isReleased = false;
      return {
        get isHeld() {
          return isHeld;
        },
        async take() {
          await take(signal);
          isHeld = true;
          if (!isReleased) return;
          this.release();
          throw new Cancelled('nobody waits for it any more');
        },
        release() {
          isReleased = true;
          if (isHeld) giveBack();
          isHeld = false;
        },
      };
    },
    close() {
      for (const { reject } of line) reject(new StoreUnavailable('the collector ends'));
      line.clear();
    },
  };
}
