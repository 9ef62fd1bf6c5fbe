/** What not every supported release of Node tells of. Pure. */

/** From these on, for each line; every later line does from its beginning. */
const sentBodySince: Readonly<Record<number, readonly [minor: number, patch: number]>> = {
  22: [22, 1],
  24: [12, 0],
  25: [2, 0],
};

/** Whether the channel `http2.client.stream.bodySent` is published. */
export function tellsOfSentBody(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const since = sentBodySince[major];
  if (!since) return major > 25;
  return minor > since[0] || (minor === since[0] && patch >= since[1]);
}
