/** What a verdict asks the hosts of both ends of its call: whom, and about which time. Pure. */
import { numberAttribute, serviceOf, textAttribute, type Span } from '../../span.ts';
import { peerAddress } from '../tree.ts';
import type { Verdict } from '../verdict.ts';
import type { HostView } from './host-view.ts';

/** As a span's resource names it; what it does not name is ''. */
export interface ProcessName {
  readonly host: string;
  readonly service: string;
  readonly pid: string;
}

export interface HostQuestion {
  /** The call. */
  readonly spanId: string;
  readonly caller: ProcessName;
  readonly callee: {
    readonly service: string;
    /** As it was called, and what that name was found to be. */
    readonly addresses: readonly string[];
    readonly port: string;
    /** Whose span says that it served the call; null without one. */
    readonly process: ProcessName | null;
  };
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

/** In these the other end, or the own kernel, may know more than was seen of the call. */
const PHASES: ReadonlySet<Verdict['phase']> = new Set(['connect', 'tls', 'send', 'wait', 'receive']);

/** An address of IPv4 as a socket of IPv6 has it is the same one. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * Whether no later report can say more of the call: of both ends, where the caller's host is one that reports. `served` is the
 * process that is known to have served it.
 */
function isComplete(views: readonly HostView[], served: ProcessName | null): boolean {
  return (
    views.some((view) => view.side === 'callee' && (served === null || isOf(view, served))) &&
    views.every(({ side, hasRoom, processes }) =>
      side === 'caller'
        ? hasRoom || processes.every(({ isSilent }) => isSilent)
        : hasRoom && processes.every(({ coversCall, isSilent }) => coversCall || isSilent),
    )
  );
}

/** One without an id reports nothing. */
const isOf = ({ host, processes }: HostView, { host: on, service, pid }: ProcessName) =>
  pid === '' ||
  (host === on && processes.some((process) => process.service === service && process.pid === pid));

/**
 * `span` is the verdict's origin, `server` the callee's span of it. null where it is no call, or the verdict needs no more. Many
 * calls taken together have their caller as origin, and ask nothing: their number is the cause.
 */
export function hostQuestion(
  verdict: Verdict,
  span: Span | undefined,
  server?: Span | undefined,
): HostQuestion | null {
  const { confidence, phase, origin, giveUp, hosts } = verdict;
  const isOpen = confidence === 'possible' || confidence === 'unknown';
  if (span?.kind !== 'client' || !PHASES.has(phase)) return null;
  const served = server === undefined ? null : processOf(server);
  if (hosts.length === 0 ? !isOpen : isComplete(hosts, served)) return null;
  const { host, port } = peerAddress(span);
  const peer = textAttribute(span.attributes, 'network.peer.address');
  return {
    spanId: span.spanId,
    caller: processOf(span),
    callee: {
      service: origin.edge.slice(`${origin.service}->`.length),
      addresses: [...new Set([peer, host].flatMap((address) => (address === null ? [] : [plain(address)])))],
      port: port ?? '',
      process: served,
    },
    fromUnixMs: Number(span.startUnixNano / 1_000_000n),
    toUnixMs: Date.parse(giveUp.at),
  };
}

function processOf(span: Span): ProcessName {
  const { attributes } = span.resource;
  return {
    host: textAttribute(attributes, 'host.name') ?? '',
    service: serviceOf(span),
    pid: String(numberAttribute(attributes, 'process.pid') ?? ''),
  };
}
