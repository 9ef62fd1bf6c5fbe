/** Steady traffic: customers who look around, search and buy, the same for the same seed. */
import { Agent, request } from 'node:http';

const customerTimeoutMs = 10_000;
const meanGapMs = 120;

export interface Request {
  method: 'GET' | 'POST';
  path: string;
  body?: unknown;
}

export interface Traffic {
  /** One request beside the steady ones; resolves when it has ended, well or not. */
  send(request: Request): Promise<void>;
  counts: { answered: number; failed: number };
  stop(): void;
}

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the next customer does on a day without faults. */
export function nextRequest(random: () => number): Request {
  const choice = random();
  // Product 42 is the one with too many relations.
  const product = 1 + Math.floor(random() * 41);
  if (choice < 0.3) return { method: 'GET', path: '/products' };
  if (choice < 0.55) return { method: 'GET', path: `/products/${product}` };
  if (choice < 0.7) return { method: 'GET', path: `/search?q=product+${product}` };
  if (choice < 0.72) return { method: 'GET', path: '/catalog.csv' };
  return { method: 'POST', path: '/orders', body: { product } };
}

export function startTraffic(gatewayUrl: string, seed: number): Traffic {
  const random = createRandom(seed);
  const agent = new Agent({ keepAlive: true });
  const counts = { answered: 0, failed: 0 };
  let timer: NodeJS.Timeout;

  async function send({ method, path, body }: Request): Promise<void> {
    const status = await new Promise<number>((resolve) => {
      const call = request(
        `${gatewayUrl}${path}`,
        { agent, method, timeout: customerTimeoutMs },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', () => resolve(0));
        },
      );
      call.on('timeout', () => call.destroy());
      call.on('error', () => resolve(0));
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
    if (status >= 200 && status < 400) counts.answered += 1;
    else counts.failed += 1;
  }

  function schedule(): void {
    const gapMs = -Math.log(1 - random()) * meanGapMs;
    timer = setTimeout(() => {
      void send(nextRequest(random));
      schedule();
    }, gapMs);
  }
  schedule();

  return {
    send,
    counts,
    stop() {
      clearTimeout(timer);
      agent.destroy();
    },
  };
}
