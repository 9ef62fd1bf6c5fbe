/** One answer of the API as reactive state: keeps the last good data when a reload fails, and says it is stale. */
import { untrack } from 'svelte';
import { ApiError, getJson } from './get.ts';

export interface Resource<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly loading: boolean;
  /** `data` is older than the last, failed, attempt. */
  readonly stale: boolean;
  reload(): void;
  /** Shows an answer that was fetched elsewhere (an update that the user accepted). */
  replace(data: T): void;
  /** An update that was fetched elsewhere did not come: what is shown is stale. */
  fail(reason: unknown): void;
  /** The same as it is now, not shown; null where another was asked for meanwhile, or it did not come: that is told as `fail` does. */
  fetchNow(): Promise<T | null>;
}

/** Its answer is there, or does not come. */
export const isTold = ({ data, error }: Resource<unknown>): boolean => data !== null || error !== null;

/**
 * Fetches whenever `url()` changes, as JSON or as `load` has it; null fetches nothing. Data of another `key` (by default: the url) is thrown
 * away first, so that one trace never shows under another's name; the same key keeps it on screen meanwhile.
 */
export function resource<T>(
  url: () => string | null,
  key: () => string | null = url,
  load: (url: string, signal: AbortSignal) => Promise<T> = getJson,
): Resource<T> {
  let data = $state.raw<T | null>(null);
  let error = $state.raw<ApiError | null>(null);
  let loading = $state(false);
  let turn = $state(0);
  let shownKey: string | null = null;

  $effect(() => {
    const target = url();
    const targetKey = key();
    void turn;
    if (targetKey !== shownKey) {
      data = null;
      error = null;
      shownKey = targetKey;
    }
    if (target === null) {
      loading = false;
      return;
    }
    const controller = new AbortController();
    loading = true;
    load(target, controller.signal)
      .then((answer) => {
        data = answer;
        error = null;
      })
      .catch((reason: unknown) => {
        if (controller.signal.aborted) return;
        error = asApiError(reason);
      })
      .finally(() => {
        if (!controller.signal.aborted) loading = false;
      });
    return () => controller.abort();
  });

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get loading() {
      return loading;
    },
    get stale() {
      return data !== null && error !== null;
    },
    reload: () => untrack(() => turn++),
    replace: (answer) => {
      data = answer;
      error = null;
    },
    fail: (reason) => {
      error = asApiError(reason);
    },
    fetchNow: async () => {
      const target = untrack(url);
      if (target === null) return null;
      try {
        const answer = await load(target, new AbortController().signal);
        return target === url() ? answer : null;
      } catch (reason) {
        if (target === url()) error = asApiError(reason);
        return null;
      }
    },
  };
}

function asApiError(reason: unknown): ApiError {
  return reason instanceof ApiError ? reason : new ApiError(0, String(reason), null, null);
}
