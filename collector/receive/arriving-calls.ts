/**
 * Counts a gRPC message among the bytes in flight while it arrives, as HTTP bodies are. Before its last byte grpc-js alone
 * has it, and bounds each by itself: many that begin and never end would be bounded by nothing.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCall, ServerInterceptor, StatusObject } from '@grpc/grpc-js';
import { StoreUnavailable } from '../store/store.ts';
import { forgetPieces, type MessageDecoder } from './finished-messages.ts';
import type { Intake } from './intake.ts';

/** A message of which nothing more arrives for so long is not waited for. */
const SILENCE_MS = 60_000;
/** Nor for one of which a little arrives again and again: as long as Node's HTTP server waits for a body. */
const ARRIVAL_MS = 300_000;

/** What the first interceptor of a server gets reads the stream itself; grpc-js has no public name for it. */
type ReadingCall = ServerInterceptingCall & {
  readonly stream: ServerHttp2Stream;
  readonly decoder: MessageDecoder;
};

/** `statusOf` says what is answered when there is no room; nothing of the message is kept then. */
export function countArriving(
  intake: Pick<Intake, 'reserve' | 'release'>,
  statusOf: (error: unknown) => StatusObject,
): ServerInterceptor {
  return (_method, reading) => {
    const call = reading as ReadingCall;
    const { stream } = call;
    const startedMs = performance.now();
    let bytes = 0;
    const forget = (): void => {
      intake.release(bytes);
      bytes = 0;
    };
    const stop = (): void => {
      stream.off('data', count);
      forget();
    };
    const count = (chunk: Buffer): void => {
      try {
        if (performance.now() - startedMs > ARRIVAL_MS) throw tooSlow();
        intake.reserve(chunk.length);
        bytes += chunk.length;
      } catch (error) {
        stop();
        call.sendStatus(statusOf(error));
      }
    };
    stream.on('data', count).once('close', forget);
    // Before grpc-js hears of it and has it accepted: there the intake counts it anew.
    stream.prependOnceListener('end', () => {
      stream.setTimeout(0);
      forget();
      forgetPieces(call.decoder);
    });
    // Answered before it was all there: nobody waits for the rest.
    stream.once('finish', () => {
      if (stream.readableEnded) return;
      stop();
      stream.close(constants.NGHTTP2_NO_ERROR);
    });
    stream.setTimeout(SILENCE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
    return call;
  };
}

function tooSlow(): StoreUnavailable {
  return new StoreUnavailable(`the message did not arrive within ${ARRIVAL_MS / 1000} s; send it again`);
}
