/** What is known of a cause: the text of its help page, and where it stands among causes that look the same. */
import type { Category } from '../verdict.ts';

export type CheckedPeer = 'http' | 'postgresql' | 'mysql' | 'redis';

export interface Check {
  /** What to look at, and what it tells. */
  readonly text: string;
  /**
   * `{url}`, `{host}`, `{port}`, `{service}` and `{pid}` stand for those of the verdict. It must not change what it looks
   * at.
   */
  readonly command: string;
  /** Makes sense only for such a peer. */
  readonly peer?: CheckedPeer;
}

export interface Cause {
  /** A1 … G6. */
  readonly code: string;
  readonly category: Category;
  /** `{peer}` and `{service}` stand for those of the verdict. */
  readonly title: string;
  /**
   * Orders causes that the evidence cannot separate, the likeliest first: how often it is met, from 1 (rare) to 9.
   * It never makes a claim; a cause chosen by it is only ever "possible".
   */
  readonly prior: number;
  readonly is: string;
  readonly recognised: string;
  /** The one observation that would tell it from the causes that look the same. */
  readonly decides: string;
  /** At least one; the most telling first. */
  readonly confirm: readonly Check[];
  readonly fix: string;
}
