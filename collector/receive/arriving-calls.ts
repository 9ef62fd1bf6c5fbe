/**
 * Counts a gRPC message among the bytes in flight while it arrives, as HTTP bodies are. Before its last byte grpc-js alone
 * has it, and bounds each by itself: many that begin and never end would be bounded by nothing.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCall, ServerInterceptor, StatusObject } from '@grpc/grpc-js';
import type { Intake } from './intake.ts';

/** A message of which nothing more arrives for so long is not waited for. */
const SILENCE_MS = 60_000;

/** What the first interceptor of a server gets reads the stream itself; grpc-js has no public name for it. */
type ReadingCall = ServerInterceptingCall & { readonly stream: ServerHttp2Stream };

/** `statusOf` says what is answered when there is no room; nothing of the message is kept then. */
export function countArriving(
  intake: Pick<Intake, 'reserve' | 'release'>,
  statusOf: (error: unknown) => StatusObject,
): ServerInterceptor {
  return (_method, reading) => {
    const call = reading as ReadingCall;
    const { stream } = call;
    let bytes = 0;
    const forget = (): void => {
      intake.release(bytes);
      bytes = 0;
    };
    const count = (chunk: Buffer): void => {
      try {
        intake.reserve(chunk.length);
        bytes += chunk.length;
      } catch (error) {
        stream.off('data', count);
        forget();
        call.sendStatus(statusOf(error));
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
    };
    stream.on('data', count).once('close', forget);
    // From here on the intake counts it, or it was refused.
    stream.once('end', () => {
      stream.setTimeout(0);
      forget();
    });
    stream.setTimeout(SILENCE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
    return call;
  };
}
