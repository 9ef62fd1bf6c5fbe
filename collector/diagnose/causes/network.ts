/** A: the network between two hosts. */
import type { Cause, Check } from './cause.ts';

const CONNECTION: Check = {
  text: 'the connection now: retransmits, unacked bytes, rtt',
  command: 'ss -tinoe dst {host} dport = :{port}',
};
const CAPTURE: Check = {
  text: 'packets of this connection, to be run on both ends and compared',
  command: 'tcpdump -ni any host {host} and tcp port {port}',
};
const PATH: Check = { text: 'where on the way answers stop', command: 'traceroute -T -p {port} {host}' };

export const NETWORK: readonly Cause[] = [
  {
    code: 'A1',
    category: 'network',
    title: 'Packets lost on the way to {peer}',
    prior: 4,
    is: 'Some packets of an established connection are lost. Each loss costs at least a round trip, often 200 ms or more, so a call slows down or stalls without ever breaking.',
    recognised:
      'Retransmits on a connection that still makes progress: bytes are acknowledged while the retransmit count grows, or the receiver sees data out of order.',
    decides: 'retransmits that grow while bytes are still acknowledged, on either end of the connection',
    confirm: [
      CONNECTION,
      { text: 'loss along the way', command: 'mtr -T -P {port} -rwc 100 {host}' },
      CAPTURE,
    ],
    fix: 'Find the lossy hop: a full queue, a bad cable or optic, a rate limiter, a virtual switch out of CPU. Retrying hides it and adds load.',
  },
  {
    code: 'A2',
    category: 'network',
    title: 'The path to {peer} died after connecting',
    prior: 4,
    is: 'The connection was established, then nothing the client sends arrives any more: the peer host is gone, a link or route failed, or a device on the way forgot the connection.',
    recognised:
      'Established, request bytes never acknowledged, retransmits with growing back-off, nothing received.',
    decides: 'request bytes unacknowledged on the client while the server never received them',
    confirm: [CONNECTION, PATH, CAPTURE],
    fix: 'Restore the path. Set TCP_USER_TIMEOUT or keep-alive so that dead connections are found in seconds, not after 15 minutes of kernel retries.',
  },
  {
    code: 'A3',
    category: 'network',
    title: 'Answers of {peer} are lost on the way back',
    prior: 2,
    is: 'Packets reach the server, its answers do not reach the client: asymmetric routing, a stateful device that saw only one direction, or a dead return path.',
    recognised:
      'The server has the request (its span exists, its connection retransmits the answer) while the client sees silence.',
    decides: "retransmits on the server's side of this connection, or a connection stuck in SYN_RECV there",
    confirm: [
      {
        text: 'on the server: connections in SYN_RECV or with unacked data',
        command: 'ss -tino state syn-recv state established sport = :{port}',
      },
      { text: 'on the server: the way back', command: 'ip route get CLIENT_ADDRESS' },
      CAPTURE,
    ],
    fix: 'Make both directions take the same stateful devices, or let them accept what they did not see begin. Check reverse-path filters.',
  },
  {
    code: 'A4',
    category: 'network',
    title: 'Large packets to or from {peer} disappear (MTU)',
    prior: 2,
    is: 'Packets above some size are dropped on the way and the ICMP message that should say so is dropped too: an MTU black hole, typical of tunnels and VPNs. Small exchanges work.',
    recognised:
      'Small requests succeed; only full-size segments are lost, up (large request) or down (large answer; the client just sees silence).',
    decides:
      'a small request that works where a large one hangs, and full-size segments retransmitted on the sending side',
    confirm: [
      {
        text: 'the largest packet that passes without fragmentation (lower 1472 until it works)',
        command: 'ping -M do -s 1472 -c 3 {host}',
      },
      { text: 'the path MTU as found hop by hop', command: 'tracepath -n {host}' },
      CONNECTION,
    ],
    fix: 'Let ICMP "fragmentation needed" through, lower the interface MTU, clamp MSS on the tunnel, or set net.ipv4.tcp_mtu_probing=1.',
  },
  {
    code: 'A5',
    category: 'network',
    title: 'The network to {peer} is slow',
    prior: 3,
    is: 'Packets arrive, but late: a long or congested path, a queue that is too long, a detour. Connecting takes as long as the delay, or longer than a retransmit timer.',
    recognised:
      'The call took much longer than its server worked, or the connection was established after SYN retransmits: late, not lost.',
    decides: 'the round-trip time of this connection compared with other times and other peers',
    confirm: [CONNECTION, { text: 'round trip, hop by hop', command: 'mtr -T -P {port} -rwc 30 {host}' }],
    fix: 'Shorten the path or relieve the congested link; keep connections open so that the delay is paid once. Raise the limit only if the delay is there to stay.',
  },
  {
    code: 'A6',
    category: 'network',
    title: 'Too little bandwidth to {peer}',
    prior: 2,
    is: 'Data flows steadily but slowly: a shaped, shared or saturated link.',
    recognised: 'The answer began and bytes kept coming at short intervals until the limit was over.',
    decides: 'bytes arriving steadily until the give-up, at the rate of a known limit',
    confirm: [CONNECTION, { text: 'traffic shaping on this host', command: 'tc -s qdisc show' }],
    fix: 'Raise the shaping limit, send less (compress, page), or give the transfer the time it needs.',
  },
  {
    code: 'A7',
    category: 'network',
    title: '{peer} cannot be reached',
    prior: 4,
    is: 'There is no route, the next router says so, or no host answers at that address: it is down, has moved, or never was there.',
    recognised:
      'EHOSTUNREACH, ENETUNREACH or the same in words. At once: a router or the own routing table says no. After about 3 s: nobody answered to the address on the last link.',
    decides:
      'whether another client reaches this address, and whether the address still belongs to the service',
    confirm: [
      {
        text: 'the route this host takes',
        command: "ip route get $(getent ahosts {host} | awk 'NR==1 {print $1}')",
      },
      {
        text: 'whether the address answers on its link',
        command: "ip neigh show $(getent ahosts {host} | awk 'NR==1 {print $1}')",
      },
      PATH,
    ],
    fix: 'Correct the address (stale DNS or service registry), start the host, or repair the route.',
  },
];
