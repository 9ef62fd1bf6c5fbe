/**
 * Pieces that a thread makes when it is asked for them, on the side that asks: some are asked for ahead, and the next when
 * one was taken, so that who takes slowly makes the thread wait.
 */

/** Made while one is taken; each 128 KiB and more. */
const PIECES_AHEAD = 4;

export interface Pieces extends AsyncIterable<Uint8Array> {
  /** Settles with the first piece: rejects when there will be none. */
  readonly begun: Promise<unknown>;
  /** No more are wanted; what waits for one finds the end. */
  stop(): void;
}

export interface PieceStream extends Pieces {
  /** null after the last. */
  give(piece: Uint8Array | null): void;
  fail(error: Error): void;
}

type Waiting = PromiseWithResolvers<Uint8Array | null>;

/** `askMore` asks for one piece; `onEnd` is told once that no more are wanted, or none will come. */
export function createPieceStream(askMore: () => void, onEnd: () => void): PieceStream {
  /** Not taken yet, in order; those asked for are among them. */
  const ahead: Waiting[] = [];
  const unanswered: Waiting[] = [];
  let end: { readonly error: Error | null } | null = null;

  const ask = (): void => {
    const waiting: Waiting = Promise.withResolvers();
    // Who leaves does not look at it.
    waiting.promise.catch(() => {});
    ahead.push(waiting);
    if (end !== null) return settle(waiting, end.error);
    unanswered.push(waiting);
    askMore();
  };
  const finish = (error: Error | null): void => {
    if (end !== null) return;
    end = { error };
    for (const waiting of unanswered.splice(0)) settle(waiting, error);
    onEnd();
  };
  for (let asked = 0; asked < PIECES_AHEAD; asked++) ask();

  return {
    begun: ahead[0]!.promise,
    give(piece) {
      if (piece === null) finish(null);
      else unanswered.shift()?.resolve(piece);
    },
    fail: finish,
    stop: () => finish(null),
    [Symbol.asyncIterator]: () => ({
      async next() {
        const piece = await ahead.shift()!.promise;
        if (piece === null) return { done: true, value: undefined };
        ask();
        return { done: false, value: piece };
      },
      async return() {
        finish(null);
        return { done: true, value: undefined };
      },
    }),
  };
}

function settle({ resolve, reject }: Waiting, error: Error | null): void {
  if (error === null) resolve(null);
  else reject(error);
}
