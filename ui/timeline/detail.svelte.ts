/** What the selected span carries, asked for when it is selected; those that were asked for before are there at once. */
import { untrack } from 'svelte';
import type { SpanDetail } from '../../collector/serve/wire.ts';
import type { TraceColumns } from './columns.ts';
import type { TraceSource } from './source.ts';

/** Spans that a held key passes over are not asked for. */
const REST_MS = 60;
const KEPT_MAX = 100;

export interface Detail {
  /** Of the selected span; null while it is on its way. */
  readonly data: SpanDetail | null;
  readonly failure: string | null;
  retry(): void;
}

export function createDetail(
  source: () => TraceSource,
  columns: () => TraceColumns | null,
  span: () => number,
): Detail {
  let data = $state.raw<SpanDetail | null>(null);
  let failure = $state<string | null>(null);
  let turn = $state(0);
  const kept = new Map<number, SpanDetail>();
  let keptOf: TraceColumns | null = null;
  let lastAt = -Infinity;

  $effect(() => {
    const [given, wanted] = [columns(), span()];
    void turn;
    failure = null;
    if (keptOf !== given) kept.clear();
    keptOf = given;
    data = kept.get(wanted) ?? null;
    if (given === null || wanted < 0 || data !== null) return;
    const controller = new AbortController();
    const ask = () =>
      source()
        .detail(given, wanted, controller.signal)
        .then((answer) => {
          if (controller.signal.aborted) return;
          data = answer;
          if (answer === null) failure = 'it is not stored any more.';
          else if (kept.size < KEPT_MAX) kept.set(wanted, answer);
        })
        .catch((reason: unknown) => {
          if (!controller.signal.aborted) failure = reason instanceof Error ? reason.message : String(reason);
        });
    const isPassing = performance.now() - lastAt < 2 * REST_MS;
    lastAt = performance.now();
    const timer = setTimeout(() => void ask(), isPassing ? REST_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  });

  return {
    get data() {
      return data;
    },
    get failure() {
      return failure;
    },
    retry: () => untrack(() => turn++),
  };
}
