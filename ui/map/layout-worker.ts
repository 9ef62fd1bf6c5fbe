/** Lays out large maps off the page's thread: a graph in, a layout out. */
import { layoutMap, type Graph } from './layout.ts';

self.addEventListener('message', (event: MessageEvent<Graph>) => {
  self.postMessage(layoutMap(event.data));
});
