/** Tells the writer that somebody asks for sums, before it forgets. */
import { ASKED_MS } from './write/folding.ts';

/**
 * `tell` resolves when what has waited for somebody to ask is in the sums. So does what is given back, for all who ask
 * meanwhile: who comes second sees no less than the first.
 */
export function createAsking(tell: () => Promise<void>): () => Promise<void> {
  let told = Promise.resolve();
  let toldAtMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (nowMs - toldAtMs > ASKED_MS / 2) {
      toldAtMs = nowMs;
      told = tell();
      told.catch(() => (toldAtMs = -Infinity));
    }
    return told;
  };
}
