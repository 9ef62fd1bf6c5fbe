/** Chooses where the layout runs: here for the maps people have, in a worker for large ones. */
import { layoutMap, type Graph, type Layout } from './layout.ts';

/** Below this, the layout takes less than a frame. */
const WORKER_FROM_NODES = 120;

/** Nodes of `kept` keep their place. Rejects only when the worker cannot run. */
export async function layOut(graph: Graph, kept: Layout | null): Promise<Layout> {
  if (kept !== null || graph.nodes.length < WORKER_FROM_NODES || typeof Worker === 'undefined') {
    return layoutMap(graph, kept);
  }
  const worker = new Worker(new URL('./layout-worker.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise<Layout>((resolve, reject) => {
      worker.addEventListener('message', (event: MessageEvent<Layout>) => resolve(event.data));
      worker.addEventListener('error', () => reject(new Error('The layout worker failed.')));
      worker.postMessage(graph);
    });
  } finally {
    worker.terminate();
  }
}
