/** Takes the spans of the process that probes: OTLP over HTTP, on a port of loopback of this command's own. */
import { randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeTraces } from '../../decode/decode-traces.ts';
import { walkRequest } from '../../decode/walk-request.ts';
import { isSnapshot } from '../../diagnose/pending.ts';
import type { Span } from '../../span.ts';

export interface SpanReceiver {
  /** What has the hook send here, and none of its user's settings. */
  readonly environment: Readonly<Record<string, string>>;
  /** The call that was made within this span; null when it has not come. */
  callWithin(spanId: string): Promise<Span | null>;
  /** No more will come. */
  end(): void;
}

const EXPORT_BYTES_MAX = 1 << 20;
/** The hook sends at once. */
const CALL_WAIT_MS = 3_000;

/** null where loopback takes no port, as in a network without it. */
export async function receiveSpans(): Promise<SpanReceiver | null> {
  const token = randomBytes(16).toString('hex');
  const calls: Span[] = [];
  const changes = new EventEmitter().setMaxListeners(0);
  const server = createServer((request, response) => {
    void (async () => {
      const isOurs = request.headers.authorization === `Bearer ${token}` && request.url === '/v1/traces';
      const spans = isOurs ? await readSpans(request) : null;
      response.writeHead(spans === null ? 404 : 200, { 'content-type': 'application/x-protobuf' }).end();
      calls.push(...(spans ?? []).filter((span) => span.kind === 'client' && !isSnapshot(span)));
      changes.emit('change');
    })();
  });
  // The hook's connection is not closed under it while a step is waited for.
  server.keepAliveTimeout = 0;
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  } catch {
    return null;
  }
  const { port } = server.address() as AddressInfo;
  let hasEnded = false;
  let hasMissed = false;
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${token}`)}`,
      OTEL_SERVICE_NAME: 'doctor',
      OTEL_BSP_SCHEDULE_DELAY: '20',
      // The target is asked as by anybody, and each step tells what the kernel knows of it.
      OTEL_PROPAGATORS: 'none',
      SOCKEYE_SLOW_CALL_MS: '0',
      SOCKEYE_HOST_METRICS: 'false',
    },
    async callWithin(spanId) {
      // After one that did not come, others are hardly waited for.
      const signal = AbortSignal.timeout(hasMissed ? CALL_WAIT_MS / 10 : CALL_WAIT_MS);
      for (;;) {
        const call = calls.find((span) => span.parentSpanId === spanId);
        if (call !== undefined) return call;
        hasMissed ||= signal.aborted;
        if (hasEnded || signal.aborted) return null;
        await once(changes, 'change', { signal }).catch(() => {});
      }
    },
    end() {
      hasEnded = true;
      changes.emit('change');
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readSpans(request: IncomingMessage): Promise<Span[] | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > EXPORT_BYTES_MAX) return null;
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    walkRequest(body);
    return decodeTraces(body);
  } catch {
    return null;
  }
}
