/**
 * The file that is looked at. The collector reads it and keeps nothing; this page keeps it in memory, so that it is gone with
 * the page, and no link leads to it.
 */
import type { LookedAt } from '../../collector/serve/wire.ts';
import { ApiError } from '../api/get.ts';
import { go } from '../app/location.svelte.ts';
import { sendFile } from './send-file.ts';

export interface OpenedFile {
  readonly file: File;
  /** Of it that was sent, 0 to 1. */
  readonly sent: number;
  /** null until it was read. */
  readonly looked: LookedAt | null;
  /** Why it could not be. */
  readonly error: ApiError | null;
}

let opened = $state.raw<OpenedFile | null>(null);
let reading: AbortController | null = null;

export const openedFile = {
  get current(): OpenedFile | null {
    return opened;
  },
};

/** Shows the file's traces, or its trace where it has but one. */
export async function openFile(file: File): Promise<void> {
  reading?.abort();
  const controller = new AbortController();
  reading = controller;
  opened = { file, sent: 0, looked: null, error: null };
  const change = (changes: Partial<OpenedFile>) => {
    if (opened && !controller.signal.aborted) opened = { ...opened, ...changes };
  };
  go('/file');
  try {
    const looked = await sendFile<LookedAt>('/api/look', file, (sent) => change({ sent }), controller.signal);
    change({ sent: 1, looked });
    const [only, ...others] = looked.traces;
    if (only && others.length === 0 && looked.total === 1) go(`/file/${only.traceId}`);
  } catch (error) {
    change({ error: error instanceof ApiError ? error : new ApiError(0, String(error), null, null) });
  }
}
