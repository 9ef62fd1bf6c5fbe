/** Attempts of one call, in the order of time: those that failed alike, and those that failed in another way before the last. */
import { SAME_MOMENT_MS } from './give-ups.ts';
import { callKey } from './origin.ts';
import type { TraceNode } from './tree.ts';

export interface Attempts {
  readonly all: readonly TraceNode[];
  /** How many of them failed in another way than the last. */
  readonly otherwise: number;
}

/** `alike`: one after another. What went on beside the last of them is no attempt. */
export function allAttempts(alike: readonly TraceNode[]): Attempts {
  const last = alike.at(-1);
  if (last === undefined || alike.length < 2) return { all: alike, otherwise: 0 };
  const known = new Set(alike);
  const key = callKey(last.span);
  const others = (last.parent?.children ?? []).filter(
    (node) =>
      !known.has(node) &&
      node.outcome.giveUp !== null &&
      node.endMs <= last.startMs + SAME_MOMENT_MS &&
      callKey(node.span) === key,
  );
  const all = [...alike, ...others].toSorted((a, b) => a.startMs - b.startMs);
  return { all, otherwise: others.length };
}

/** `, 1 of which failed otherwise`. */
export const otherwiseWords = ({ otherwise }: Attempts) =>
  otherwise === 0 ? '' : `, ${otherwise} of which failed otherwise`;
