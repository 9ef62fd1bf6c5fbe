/**
 * Random export requests, seeded: every field of a span in any order, and now and then what no encoder should write.
 * Bytes are put together by hand, so that they can be wrong in ways that an encoder would not be.
 */

export type Random = (below: number) => number;

export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export interface Strangeness {
  /** How often, of a hundred, something is as no encoder writes it. */
  readonly percent: number;
}

const KEYS = [
  'http.route',
  'http.request.method',
  'url.path',
  'url.full',
  'server.address',
  'server.port',
  'network.peer.address',
  'network.peer.port',
  'http.response.status_code',
  'http.status_code',
  'rpc.grpc.status_code',
  'rpc.system',
  'db.system.name',
  'db.namespace',
  'peer.service',
  'messaging.destination.name',
  'error.type',
  'sockeye.stream',
  'http.request.resend_count',
  'sockeye.timeout.phase',
  'sockeye.tcp.bytes_acked',
  'sockeye.phase.connect_ms',
  'exception.message',
  'sockeye.pending.span_id',
  'logfire.span_type',
  '__proto__',
  'ключ',
  '',
];
const TEXTS = [
  '',
  'GET',
  'HTTP POST',
  'GET /items',
  '/items/42',
  '/items/00042?x=1',
  'https://shop.example:8443/cart/7f3a9b2c4d5e6f70/lines',
  'orders',
  '10.1.2.3',
  '200',
  '503',
  'OK',
  'ETIMEDOUT',
  'pending_span',
  '5a495407000000aa',
  'connect ETIMEDOUT 10.0.0.1:443',
  'timeout of 3000ms exceeded',
  'naïve café',
  '日本語の文字列',
  '0',
  '007',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479',
  'x'.repeat(200),
];

export function randomSpan(random: Random, strange: Strangeness, traces = 50): Buffer {
  const isStrange = () => random(100) < strange.percent;
  const fields: Buffer[] = [];
  const add = (field: Buffer) => fields.push(field);
  const often = (percent: number, make: () => Buffer) => {
    if (random(100) < percent) add(make());
    if (isStrange()) add(make());
  };
  const m = makers(random, isStrange);

  if (!isStrange()) add(m.bytes(1, id(random(traces) + 1, 16)));
  if (!isStrange()) add(m.bytes(2, id(random(2 ** 31) + 1, 8)));
  often(10, () => m.text(3));
  often(70, () => m.bytes(4, random(10) === 0 ? Buffer.alloc(8) : id(random(2 ** 31) + 1, 8)));
  if (random(100) < 3) add(m.bytes(4, Buffer.alloc(0)));
  often(95, () => m.text(5));
  often(95, () => m.varint(6, isStrange() ? random(300) : random(6)));
  const startNs = 1_763_000_000_000_000_000n + BigInt(random(2 ** 31)) * 1_000n;
  often(97, () => m.fixed64(7, isStrange() ? BigInt(random(2)) * (2n ** 64n - 1n) : startNs));
  often(97, () => m.fixed64(8, isStrange() ? 0n : startNs + BigInt(random(2 ** 31))));
  for (let left = random(12); left > 0; left--) add(m.attribute(9));
  often(5, () => m.varint(10, random(1_000)));
  for (let left = random(100) < 20 ? random(4) : 0; left > 0; left--) add(m.event());
  often(5, () => m.varint(12, random(200)));
  for (let left = random(100) < 10 ? random(3) : 0; left > 0; left--) add(m.link());
  often(5, () => m.varint(14, random(200)));
  often(40, () => m.status());
  often(60, () => m.fixed32(16, random(4) === 0 ? random(2 ** 31) : 0x101));
  if (isStrange()) add(m.varint(17 + random(1_000), random(1_000)));
  if (isStrange()) shuffle(fields, random);
  return Buffer.concat(fields);
}

function makers(random: Random, isStrange: () => boolean) {
  const length = (n: number) => varintBytes(BigInt(n), isStrange() ? 4 : 0);
  const tag = (number: number, wireType: number) =>
    varintBytes(BigInt(number * 8 + wireType), isStrange() ? 3 : 0);
  const bytes = (number: number, content: Buffer) =>
    Buffer.concat([tag(number, 2), length(content.length), content]);
  const varint = (number: number, value: number | bigint) =>
    Buffer.concat([tag(number, 0), varintBytes(BigInt.asUintN(64, BigInt(value)), isStrange() ? 10 : 0)]);
  const fixed64 = (number: number, value: bigint) => {
    const content = Buffer.alloc(8);
    content.writeBigUInt64LE(value);
    return Buffer.concat([tag(number, 1), content]);
  };
  const fixed32 = (number: number, value: number) => {
    const content = Buffer.alloc(4);
    content.writeUInt32LE(value);
    return Buffer.concat([tag(number, 5), content]);
  };
  const double = (number: number, value: number) => {
    const content = Buffer.alloc(8);
    content.writeDoubleLE(value);
    return Buffer.concat([tag(number, 1), content]);
  };
  const anyText = () =>
    isStrange() ? Buffer.from([0x61, 0xff, 0xfe]) : Buffer.from(TEXTS[random(TEXTS.length)]!);
  const text = (number: number) => bytes(number, anyText());
  const time = (number: number) => fixed64(number, 1_763_000_000_000_000_000n + BigInt(random(2 ** 31)));

  const value = (depth: number): Buffer => {
    if (isStrange()) return Buffer.concat([text(1), varint(2, 1)]);
    switch (random(depth > 3 ? 6 : 9)) {
      case 0:
        return varint(2, random(2));
      case 1:
        return varint(
          3,
          [0, 200, 404, 65_536, 2 ** 32 - 1, 2 ** 32, -1, 2n ** 63n - 1n, -(2n ** 63n)][random(9)]!,
        );
      case 2:
        return double(4, [0, 0.1, -1e300, Number.NaN, 1234.5678][random(5)]!);
      case 3:
        return Buffer.alloc(0);
      case 4:
        return bytes(7, id(random(1_000), random(20)));
      case 5:
        return varint(8, random(100));
      case 6:
        return bytes(5, Buffer.concat(Array.from({ length: random(4) }, () => bytes(1, value(depth + 1)))));
      case 7:
        return bytes(
          6,
          Buffer.concat(Array.from({ length: random(3) }, () => bytes(1, keyValue(depth + 1)))),
        );
      default:
        return text(1);
    }
  };
  const keyValue = (depth: number): Buffer => {
    const key = isStrange()
      ? bytes(1, Buffer.from(isStrange() ? 'k'.repeat(500) : [0x6b, 0xff]))
      : bytes(1, Buffer.from(KEYS[random(KEYS.length)]!));
    const content = random(20) === 0 ? [] : [bytes(2, random(3) === 0 ? value(depth) : text(1))];
    return Buffer.concat(isStrange() ? [...content, key] : [key, ...content]);
  };
  const attribute = (number: number) => bytes(number, keyValue(0));
  const attributes = (number: number) => Array.from({ length: random(4) }, () => attribute(number));
  return {
    bytes,
    varint,
    fixed64,
    fixed32,
    text,
    attribute,
    event: () =>
      bytes(11, Buffer.concat([time(1), text(2), ...attributes(3), ...(random(5) ? [] : [varint(4, 3)])])),
    link: () =>
      bytes(
        13,
        Buffer.concat([
          bytes(1, id(random(1_000), isStrange() ? random(30) : 16)),
          bytes(2, id(random(1_000), 8)),
          ...(random(3) ? [] : [text(3)]),
          ...attributes(4),
          ...(random(3) ? [] : [varint(5, 2), fixed32(6, 0x301)]),
        ]),
      ),
    status: () =>
      bytes(
        15,
        Buffer.concat([...(random(2) ? [text(2)] : []), ...(random(4) ? [varint(3, random(3))] : [])]),
      ),
  };
}

function id(number: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (Math.imul(number + at * 7, 0x9e3779b1) >>> 24) & 0xff;
  return bytes;
}

/** At least `width` bytes, padded as no encoder should. */
function varintBytes(value: bigint, width: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  while (bytes.length < width) bytes.push(0x80);
  bytes[bytes.length - 1]! &= 0x7f;
  return Buffer.from(bytes);
}

function shuffle(items: unknown[], random: Random): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random(at + 1);
    [items[at], items[other]] = [items[other], items[at]];
  }
}

/** `ResourceSpans` around spans of one service. */
export function requestOf(
  spans: readonly Uint8Array[],
  service = 'checkout',
  after = Buffer.alloc(0),
): Buffer {
  const field = (number: number, content: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2]), varintBytes(BigInt(content.length), 0), content]);
  const text = (number: number, content: string) => field(number, Buffer.from(content));
  const resource = field(1, Buffer.concat([text(1, 'service.name'), field(2, text(1, service))]));
  const scope = Buffer.concat([text(1, 'test'), text(2, '1.0')]);
  const scopeSpans = Buffer.concat([field(1, scope), ...spans.map((span) => field(2, span)), after]);
  return field(1, Buffer.concat([field(1, resource), field(2, scopeSpans)]));
}
