/** The spans of one process that wait for its next export: filled span by span, finished as one request. */
import { lengthDelimited, lengthHeader, templateOf } from './span-templates.ts';
import { PEER_ADDRESSES, type PlannedSpan, type TracePlan } from './trace-plan.ts';

/** Room before the spans for what is around them: resource, scope, lengths. */
const HEAD_BYTES = 2_048;
const FIRST_BYTES = 16_384;
const PATH_DIGITS = 5;
const PEER_ADDRESS_BYTES = 14;

export class Outbox {
  spans = 0;
  readonly #resource: Buffer;
  readonly #scope: Buffer;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = HEAD_BYTES;

  constructor(resource: Buffer, scope: Buffer) {
    this.#resource = lengthDelimited(1, resource);
    this.#scope = lengthDelimited(1, scope);
  }

  add(trace: TracePlan, span: PlannedSpan, traceStartUnixNano: bigint): void {
    const template = templateOf(span);
    const at = this.#length;
    this.#length += template.bytes.length;
    if (this.#length > this.#bytes.length) this.#grow();
    this.spans++;
    const bytes = this.#bytes;
    const view = this.#view;
    bytes.set(template.bytes, at);

    const traceIdAt = at + template.traceIdAt;
    for (let word = 0; word < 4; word++) view.setUint32(traceIdAt + word * 4, trace.traceId[word]!);
    view.setUint32(at + template.spanIdAt, span.idHigh);
    view.setUint32(at + template.spanIdAt + 4, span.idLow);
    if (span.parent >= 0) {
      const parent = trace.span(span.parent);
      view.setUint32(at + template.parentIdAt, parent.idHigh);
      view.setUint32(at + template.parentIdAt + 4, parent.idLow);
    }
    view.setBigUint64(at + template.startAt, traceStartUnixNano + BigInt(span.startNs), true);
    view.setBigUint64(at + template.endAt, traceStartUnixNano + BigInt(span.endNs), true);
    if (template.elapsedAt >= 0) {
      view.setFloat64(at + template.elapsedAt, (span.endNs - span.startNs) / 1e6, true);
    }
    let path = span.path;
    for (let digit = PATH_DIGITS - 1; digit >= 0; digit--) {
      bytes[at + template.pathAt + digit] = 0x30 + (path % 10);
      path = Math.floor(path / 10);
    }
    const address = span.peerAddress * PEER_ADDRESS_BYTES;
    for (let index = 0; index < PEER_ADDRESS_BYTES; index++) {
      bytes[at + template.peerAddressAt + index] = ADDRESSES[address + index]!;
    }
    // A varint of three bytes.
    bytes[at + template.portAt] = (span.port & 0x7f) | 0x80;
    bytes[at + template.portAt + 1] = ((span.port >>> 7) & 0x7f) | 0x80;
    bytes[at + template.portAt + 2] = span.port >>> 14;
  }

  /** `ResourceSpans { resource, scope_spans { scope, spans } }`, in memory of its own; the outbox is empty again. */
  finish(): { bytes: Buffer; spans: number } {
    const { spans } = this;
    let at = HEAD_BYTES;
    const before = (content: Buffer): void => {
      at -= content.length;
      content.copy(this.#bytes, at);
    };
    const header = (field: number): Buffer => lengthHeader(field, this.#length - at);
    before(this.#scope);
    before(header(2));
    before(this.#resource);
    before(header(1));
    const bytes = Buffer.allocUnsafeSlow(this.#length - at);
    this.#bytes.copy(bytes, 0, at, this.#length);
    this.spans = 0;
    this.#length = HEAD_BYTES;
    return { bytes, spans };
  }

  #grow(): void {
    const grown = Buffer.allocUnsafeSlow(2 * this.#length);
    this.#bytes.copy(grown);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** 10.1xx.1xx.1xx, all of one width; neighbours in number are far apart as addresses. */
const ADDRESSES = Buffer.from(
  Array.from({ length: PEER_ADDRESSES }, (_, index) => addressText(index)).join(''),
);

export function addressText(index: number): string {
  const spread = (index * 7_919) % 1_000_000;
  const part = (divisor: number) => 100 + (Math.floor(spread / divisor) % 100);
  return `10.${part(10_000)}.${part(100)}.${part(1)}`;
}
