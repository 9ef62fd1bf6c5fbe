/** What the programs under test talk to: a receiver of their spans and an HTTP server, for as long as the file's tests run. */
import { afterAll, beforeAll } from 'vitest';
import { startHttpServer, type Fault } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';

export interface Peers {
  receiver: Receiver;
  server: Fault;
}

/** To be called at the top of a file; they are there when its tests run. */
export function usePeers(): Peers {
  const peers: Partial<Peers> = {};
  beforeAll(async () => {
    peers.receiver = await startReceiver();
    peers.server = await startHttpServer();
  });
  afterAll(() => {
    peers.receiver?.close();
    peers.server?.close();
  });
  return peers as Peers;
}
