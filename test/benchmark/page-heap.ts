/** How much memory a page and its workers hold after a garbage collection, the memory of typed arrays included. */
import type { CDPSession, Page } from 'playwright-core';

interface HeapUsage {
  readonly usedSize: number;
  /** Of typed arrays; absent in older browsers. */
  readonly backingStorageSize?: number;
}

export async function measureHeap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send('HeapProfiler.collectGarbage');
    const own = (await session.send('Runtime.getHeapUsage')) as HeapUsage;
    const workers = await Promise.all((await attachWorkers(session)).map((ask) => heapOfWorker(ask)));
    return [own, ...workers].reduce(
      (sum, { usedSize, backingStorageSize = 0 }) => sum + usedSize + backingStorageSize,
      0,
    );
  } finally {
    await session.detach();
  }
}

type Ask = (method: string) => Promise<unknown>;

async function heapOfWorker(ask: Ask): Promise<HeapUsage> {
  await ask('HeapProfiler.collectGarbage');
  return (await ask('Runtime.getHeapUsage')) as HeapUsage;
}

/** The protocol of each worker of the page, spoken through the page's own session. */
async function attachWorkers(session: CDPSession): Promise<Ask[]> {
  const sessionIds: string[] = [];
  const waiting = new Map<number, (result: unknown) => void>();
  let lastId = 0;
  session.on('Target.attachedToTarget', ({ sessionId }) => sessionIds.push(sessionId));
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message) as { id: number; result: unknown };
    waiting.get(id)?.(result);
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  return sessionIds.map(
    (sessionId) => (method) =>
      new Promise((resolve) => {
        const id = ++lastId;
        waiting.set(id, resolve);
        void session.send('Target.sendMessageToTarget', {
          sessionId,
          message: JSON.stringify({ id, method }),
        });
      }),
  );
}
