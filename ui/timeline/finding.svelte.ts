/** Find as reactive state: loads what spans say when there is time, and follows the query. */
import { untrack } from 'svelte';
import type { TraceColumns } from './columns.ts';
import { createFinder, type Finder } from './find.ts';
import type { TraceSource } from './source.ts';

/** The first paint, and what is asked for right after it, come first. */
const LOAD_AFTER_MS = 300;

export interface Finding {
  /** 1 for every span that is found; null without a query, and until there is an answer. */
  readonly found: Uint8Array | null;
  readonly count: number;
  /** The texts are on their way, or why they did not come. */
  readonly waiting: boolean;
  readonly error: string | null;
}

export function createFinding(
  source: () => TraceSource,
  columns: () => TraceColumns,
  query: () => string,
): Finding {
  let finder = $state.raw<Finder | null>(null);
  let found = $state.raw<Uint8Array | null>(null);
  let error = $state<string | null>(null);
  const isAsked = $derived(query().trim() !== '');

  $effect(() => {
    const { spanId } = columns();
    const texts = source().texts;
    let isGone = false;
    let opened: Finder | null = null;
    error = null;
    const load = () =>
      texts().then(
        (file) => {
          if (isGone) return;
          opened = createFinder(file, spanId);
          finder = opened;
        },
        (reason: unknown) => {
          if (!isGone) error = reason instanceof Error ? reason.message : String(reason);
        },
      );
    const timer = setTimeout(() => void load(), untrack(() => isAsked) ? 0 : LOAD_AFTER_MS);
    return () => {
      isGone = true;
      clearTimeout(timer);
      opened?.close();
      finder = null;
    };
  });

  $effect(() => {
    const text = query();
    if (!isAsked || !finder) {
      found = null;
      return;
    }
    let isOutdated = false;
    finder.find(text).then(
      (answer) => {
        if (!isOutdated) found = answer;
      },
      (reason: unknown) => (error = String(reason)),
    );
    return () => {
      isOutdated = true;
    };
  });

  const count = $derived(found?.reduce((sum, isFound) => sum + isFound, 0) ?? 0);
  return {
    get found() {
      return found;
    },
    get count() {
      return count;
    },
    get waiting() {
      return isAsked && found === null && error === null;
    },
    get error() {
      return isAsked ? error : null;
    },
  };
}
