/** The view of a host at an end of a drawn call, and how such a call hung. */
import type { CounterName, HostView } from '../../collector/diagnose/hosts/host-view.ts';
import type { ProcessView, ValueName } from '../../collector/diagnose/hosts/process-view.ts';

export type Rise = Partial<Record<CounterName, [before: number, after: number]>>;

export interface Seen extends Partial<
  Pick<HostView, 'isCertain' | 'coversCall' | 'hasRoom' | 'clocksAgree' | 'to'>
> {
  side?: 'caller' | 'callee';
  counters?: Rise;
  values?: Partial<Record<ValueName, number>>;
  isSilent?: boolean;
  /** Of several, instead of `values`. */
  processes?: Partial<ProcessView>[];
}

const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T12:00:10.000Z';
const processOf = (given: Partial<ProcessView>): ProcessView => ({
  service: 'pay',
  pid: '7',
  thread: '',
  from: noon,
  at: later,
  coversCall: true,
  isSilent: false,
  values: {},
  ...given,
});

/** The view of an end of the call of shop to pay, at whose host nothing happened unless told otherwise. */
export const seen = (id: (label: string) => string, given: Seen): HostView => {
  const {
    side = 'callee',
    counters = { 'tcp.listen_overflows': [5, 5], 'tcp.retransmit_failures': [2, 2] },
    hasRoom = true,
    values,
    isSilent,
    processes = values || isSilent ? [{ values: values ?? {}, isSilent: isSilent ?? false }] : [],
    ...rest
  } = given;
  return {
    spanId: id('shop>pay'),
    side,
    host: `host-of-${side}`,
    networkNamespace: '',
    isCertain: true,
    coversCall: true,
    hasRoom,
    clocksAgree: true,
    from: noon,
    to: later,
    counters: Object.fromEntries(
      Object.entries(counters).map(([name, [before, after]]) => [name, { before, after }]),
    ),
    unchanged: hasRoom
      ? Object.entries(counters).flatMap(([name, [before, after]]) => (before === after ? [name] : []))
      : [],
    processes: processes.map(processOf),
    ...rest,
  };
};

export const silent = 'phase=connect connect=1900 sockeye.tcp.retransmits=1';
export const acked = 'phase=wait wait=1900 sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=0';
export const unacked =
  'phase=wait wait=1900 sockeye.tcp.unacked=2 sockeye.tcp.total_retransmits=3 sockeye.connection.reused=false';
