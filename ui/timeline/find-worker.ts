/** Finds in large traces off the page's thread: first the texts, then a query at a time. */
import { findInTexts, readTexts, type TraceTexts } from './texts.ts';

export type ToFinder =
  | { readonly type: 'open'; readonly file: ArrayBuffer; readonly spanId: Uint8Array }
  | { readonly type: 'find'; readonly id: number; readonly query: string };
export interface FromFinder {
  readonly id: number;
  readonly found: Uint8Array<ArrayBuffer>;
}

let texts: TraceTexts | null = null;

self.addEventListener('message', ({ data }: MessageEvent<ToFinder>) => {
  if (data.type === 'open') {
    texts = readTexts(data.file, data.spanId);
    return;
  }
  const found = texts === null ? new Uint8Array() : findInTexts(texts, data.query);
  const answer: FromFinder = { id: data.id, found };
  self.postMessage(answer, { transfer: [found.buffer] });
});
