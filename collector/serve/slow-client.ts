/**
 * Cuts off a client that takes too little of what waits for it: as long as it takes, what is sent to it is kept in memory,
 * and a place with it. How slow we are is not its fault: that shows in nothing that waits.
 */
import type { ServerResponse } from 'node:http';

/**
 * Some 70 kB a second: a trace of 100,000 spans, 104 MB, holds its place for 26 minutes at most. What a client takes shows when
 * Linux lets more be written, a third of a full send buffer at once: 1.4 MiB of the default's largest. So 6 MiB are surely enough.
 */
const TAKEN_BYTES_MIN = 4 * 1024 * 1024;
const LOOK_EVERY_MS = 5_000;
/** A minute. */
const LOOKS = 12;

/** A write counts as taken when all of it is: of a large answer written at once, nothing would until its end. */
export const WRITE_BYTES = 128 * 1024;

export function* slicesOf(body: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < body.length; at += WRITE_BYTES) yield body.subarray(at, at + WRITE_BYTES);
}

/** Until the function it gives is called. */
export function cutOffSlowClient(response: ServerResponse): () => void {
  const isTooSlow = watchTaking(TAKEN_BYTES_MIN, LOOKS);
  const timer = setInterval(() => {
    const { socket } = response;
    if (socket === null) return;
    const takenBytes = socket.bytesWritten - socket.writableLength;
    if (isTooSlow(takenBytes, response.writableLength > 0)) response.destroy();
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** To be asked at each look: whether at so many in a row something waited, and fewer bytes were taken meanwhile. */
export function watchTaking(
  bytesMin: number,
  looks: number,
): (takenBytes: number, isWaiting: boolean) => boolean {
  let first: number | null = null;
  let looksSince = 0;
  return (takenBytes, isWaiting) => {
    if (isWaiting && first !== null && takenBytes - first < bytesMin) return ++looksSince >= looks;
    first = isWaiting ? takenBytes : null;
    looksSince = 0;
    return false;
  };
}
