/** How far the thread of `hand-over-thread.ts` has come: the first number of the state it shares with the program. */
export const progress = { starting: 0, sending: 1, delivered: 2, failed: 3 };
