/**
 * What the traces of the workload look like: each is a pure function of the seed and its number, so that whoever knows
 * both knows every span of it.
 *
 *     user ──▶ server span ─┬─ client span ──▶ server span of another service ── …
 *                           ├─ client span that failed (some never reach the other service)
 *                           └─ internal span (where one more is needed)
 */
import { Random } from './random.ts';

export interface Workload {
  readonly seed: number;
  /** About so many: traces are whole. */
  readonly spans: number;
  /** Of all calls, 0 to 1. */
  readonly failedShare: number;
  /** The traces start evenly spread over `spreadMs` from here. */
  readonly startUnixMs: number;
  readonly spreadMs: number;
}

export const SERVICES =
  `gateway accounts search catalog checkout payments inventory shipping pricing reviews basket
  sessions mailer invoices fraud loyalty media returns suppliers reports`.split(/\s+/);
export const OPERATIONS_EACH = 10;
export const PATHS = 100_000;
export const PEER_ADDRESSES = 5_000;
export const FIRST_PORT = 30_000;
export const PORTS = 30_000;

const SPANS_MIN = 8;
const SPANS_MAX = 40;
const SPANS_MEAN = (SPANS_MIN + SPANS_MAX) / 2;
const DEPTH_MAX = 8;
const OWN_WORK_NS = 1.5e6;
const NETWORK_NS = 0.3e6;
const MS = 1e6;

/** How a call can fail, with its share of the failed calls, and what of it the other side sees. */
export const FAILURES = [
  { name: 'connect-timeout', share: 0.25, server: 'none', outcome: 'timeout', phase: 'connect' },
  { name: 'wait-timeout', share: 0.3, server: 'late', outcome: 'timeout', phase: 'wait' },
  { name: 'refused', share: 0.15, server: 'none', outcome: 'error', phase: 'connect' },
  { name: 'unavailable', share: 0.15, server: 'failed', outcome: 'error', phase: 'none' },
  { name: 'silent-dns', share: 0.05, server: 'none', outcome: 'timeout', phase: 'dns' },
  { name: 'reset', share: 0.1, server: 'none', outcome: 'error', phase: 'wait' },
] as const;
export type FailureName = (typeof FAILURES)[number]['name'];

/** How long a caller waits for this service. */
export function budgetMsOf(service: number): number {
  return [300, 1_000, 3_000, 10_000][service % 4]!;
}

export type SpanRole = 'server' | 'client' | 'internal';

export interface PlannedSpan {
  role: SpanRole;
  /** Two halves: numbers of 64 bits are slow. */
  idHigh: number;
  idLow: number;
  /** Index of the parent in the trace; -1 at the root. */
  parent: number;
  service: number;
  /** Of a client span, the service it calls; of a server span, its caller, -1 for the user. */
  peer: number;
  operation: number;
  /** Index into FAILURES; -1 when it ended well. */
  failure: number;
  /** From the start of the trace. */
  startNs: number;
  endNs: number;
  path: number;
  peerAddress: number;
  port: number;
}

export function traceCount({ spans }: Workload): number {
  return Math.ceil(spans / SPANS_MEAN);
}

/** One trace at a time, in memory that the next one uses again. */
export class TracePlan {
  index = 0;
  readonly traceId = new Uint32Array(4);
  /** From the start of the workload. */
  startNs = 0;
  count = 0;
  readonly #spans: PlannedSpan[] = Array.from({ length: SPANS_MAX + 1 }, emptySpan);
  readonly #random = new Random();
  readonly #open: number[] = [];
  #nowNs = 0;

  span(index: number): PlannedSpan {
    return this.#spans[index]!;
  }

  plan(workload: Workload, index: number): void {
    const random = this.#random;
    this.index = index;
    random.restart(workload.seed, index);
    for (let word = 0; word < 4; word++) this.traceId[word] = random.uint32();
    const stepNs = (workload.spreadMs * MS) / traceCount(workload);
    this.startNs = Math.floor((index + random.uint32() / 2 ** 32) * stepNs);
    const goal = SPANS_MIN + random.below(SPANS_MAX - SPANS_MIN + 1);
    this.#nowNs = 0;
    this.count = 0;
    this.#open.length = 0;
    this.#serve(random.below(SERVICES.length), -1, -1);
    while (this.count + 2 <= goal) {
      this.#call(workload.failedShare);
      while (this.#open.length > 1 && (this.#open.length > DEPTH_MAX || random.chance(0.5))) this.#answer();
    }
    while (this.#open.length > 1) this.#answer();
    if (this.count < goal) this.#workInside();
    this.#answer();
  }

  /** As OTLP JSON writes them. */
  traceIdHex(): string {
    return hex(...this.traceId);
  }

  #add(role: SpanRole, parent: number, service: number, peer: number): PlannedSpan {
    const random = this.#random;
    const span = this.#spans[this.count++]!;
    span.role = role;
    span.idHigh = random.uint32();
    // Never all zero.
    span.idLow = (random.uint32() | 1) >>> 0;
    span.parent = parent;
    span.service = service;
    span.peer = peer;
    span.operation = random.below(OPERATIONS_EACH);
    span.failure = -1;
    span.startNs = this.#nowNs;
    span.endNs = 0;
    span.path = random.below(PATHS);
    span.peerAddress = random.below(PEER_ADDRESSES);
    span.port = FIRST_PORT + random.below(PORTS);
    return span;
  }

  #serve(service: number, caller: number, parent: number): PlannedSpan {
    this.#open.push(this.count);
    return this.#add('server', parent, service, caller);
  }

  #workInside(): void {
    const root = this.#spans[0]!;
    const span = this.#add('internal', 0, root.service, -1);
    this.#pass(OWN_WORK_NS);
    span.endNs = this.#nowNs;
  }

  #pass(meanNs: number): void {
    // Never nothing: a span that ends when it starts is odd.
    this.#nowNs += 1 + Math.floor(this.#random.exponential(meanNs));
  }

  /** The innermost open server span calls another service, which stays open unless the call fails. */
  #call(failedShare: number): void {
    const random = this.#random;
    const parent = this.#open.at(-1)!;
    const caller = this.#spans[parent]!.service;
    const callee = (caller + 1 + random.below(SERVICES.length - 1)) % SERVICES.length;
    this.#pass(OWN_WORK_NS);
    const clientIndex = this.count;
    const client = this.#add('client', parent, caller, callee);
    if (random.chance(failedShare)) return this.#fail(client, clientIndex);
    this.#pass(NETWORK_NS);
    const server = this.#serve(callee, caller, clientIndex);
    server.operation = client.operation;
    server.path = client.path;
  }

  #fail(client: PlannedSpan, clientIndex: number): void {
    client.failure = this.#drawFailure();
    const { name, server: seen } = FAILURES[client.failure]!;
    const budgetNs = budgetMsOf(client.peer) * MS;
    if (seen !== 'none') {
      this.#pass(NETWORK_NS);
      const server = this.#serve(client.peer, client.service, clientIndex);
      this.#open.pop();
      server.operation = client.operation;
      server.path = client.path;
      if (seen === 'failed') {
        server.failure = client.failure;
        this.#pass(OWN_WORK_NS);
        server.endNs = this.#nowNs;
      } else {
        server.endNs = this.#nowNs + budgetNs + Math.floor(this.#random.exponential(budgetNs));
      }
    }
    if (name === 'connect-timeout' || name === 'wait-timeout') this.#nowNs = client.startNs + budgetNs;
    if (name === 'silent-dns') this.#nowNs += 5_000 * MS;
    this.#pass(NETWORK_NS);
    client.endNs = this.#nowNs;
  }

  #drawFailure(): number {
    let left = this.#random.uint32() / 2 ** 32;
    for (let index = 0; index < FAILURES.length - 1; index++) {
      left -= FAILURES[index]!.share;
      if (left < 0) return index;
    }
    return FAILURES.length - 1;
  }

  /** The innermost open server span ends, and with it the call that it answers. */
  #answer(): void {
    this.#pass(OWN_WORK_NS);
    const server = this.#spans[this.#open.pop()!]!;
    server.endNs = this.#nowNs;
    if (server.parent < 0) return;
    this.#pass(NETWORK_NS);
    this.#spans[server.parent]!.endNs = this.#nowNs;
  }
}

export function spanIdHex({ idHigh, idLow }: PlannedSpan): string {
  return hex(idHigh, idLow);
}

function hex(...words: number[]): string {
  return words.map((word) => word.toString(16).padStart(8, '0')).join('');
}

function emptySpan(): PlannedSpan {
  return {
    role: 'server',
    idHigh: 0,
    idLow: 0,
    parent: -1,
    service: 0,
    peer: 0,
    operation: 0,
    failure: -1,
    startNs: 0,
    endNs: 0,
    path: 0,
    peerAddress: 0,
    port: 0,
  };
}
