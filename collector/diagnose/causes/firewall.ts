/** B: firewalls and address translation. */
import type { Cause, Check } from './cause.ts';

const KNOCK: Check = {
  text: 'whether a connection is possible at all, from the client host',
  command: 'nc -vz -w 5 {host} {port}',
};
const RULES: Check = {
  text: 'rules that mention the port, on both hosts',
  command: "nft list ruleset | grep -n '{port}'",
};

export const FIREWALL: readonly Cause[] = [
  {
    code: 'B1',
    category: 'firewall',
    title: 'SYN dropped on the way to {peer}',
    prior: 9,
    is: 'A firewall, security group or network policy silently drops the packets that open a connection.',
    recognised:
      'The TCP connect never completes and nothing comes back: SYN_SENT with growing retransmits. Looks the same to the client as a full listen queue or a lost SYN-ACK.',
    decides:
      "the server host's counters: ListenOverflows rising means C1, a SYN_RECV entry means B3, neither means the SYN never came",
    confirm: [
      {
        text: 'on the server host: does the SYN arrive?',
        command: "tcpdump -ni any 'tcp port {port} and tcp[tcpflags] & tcp-syn != 0'",
      },
      KNOCK,
      RULES,
    ],
    fix: 'Allow the port from this client in the firewall, security group or network policy on the path.',
  },
  {
    code: 'B2',
    category: 'firewall',
    title: "The client's own rules drop packets to {peer}",
    prior: 3,
    is: 'An output rule on the client host drops the connection before it leaves.',
    recognised: "The host's TCPRetransFail counter rises as fast as SYNs are retransmitted.",
    decides: 'TCPRetransFail on the client host rising with the retransmits',
    confirm: [
      {
        text: 'on the client host: the counter, before and after a try',
        command: 'nstat -az TcpExtTCPRetransFail',
      },
      { text: 'output rules of the client host', command: 'nft list chain inet filter output' },
    ],
    fix: 'Allow the connection in the output rules of the client host or its sidecar.',
  },
  {
    code: 'B3',
    category: 'firewall',
    title: 'The SYN-ACK of {peer} is dropped on its way back',
    prior: 2,
    is: 'The SYN arrives and is answered, but the answer is dropped on the return path, often by a stateful firewall that did not see the SYN.',
    recognised:
      'The server has an entry in SYN_RECV that is being retransmitted, while the client still sends SYNs.',
    decides: 'an entry in SYN_RECV with retransmits on the server host',
    confirm: [
      {
        text: 'on the server host: half-open connections',
        command: 'ss -tno state syn-recv sport = :{port}',
      },
      {
        text: 'on the client host: does the SYN-ACK arrive?',
        command: 'tcpdump -ni any tcp and src host {host} and src port {port}',
      },
    ],
    fix: 'Let return traffic pass, or route both directions through the same firewall.',
  },
  {
    code: 'B4',
    category: 'firewall',
    title: 'Connections to {peer} are rejected by a rule',
    prior: 4,
    is: 'A firewall answers the SYN with a reject: an ICMP message or a reset.',
    recognised:
      'Refused at once. With an ICMP reject no TCP segment came back at all; a reject with a reset looks exactly like a closed port.',
    decides: 'whether something listens on the port: if it does, a rule rejects',
    confirm: [
      { text: 'on the server host: is anything listening?', command: "ss -tlnp 'sport = :{port}'" },
      RULES,
      KNOCK,
    ],
    fix: 'Allow this client in the rule that rejects it.',
  },
  {
    code: 'B5',
    category: 'firewall',
    title: 'A device on the way to {peer} forgot the idle connection',
    prior: 3,
    is: 'A NAT gateway, load balancer or firewall drops its entry for a connection that was idle too long (350 s on AWS, 4 min on Azure). What is sent on it afterwards disappears or is answered by a reset.',
    recognised:
      'A reused connection that had been idle, then silence or a reset on the first write; a new connection works.',
    decides: 'the idle time of the connection before the call, and whether a fresh connection works at once',
    confirm: [
      { text: 'idle times of the open connections', command: 'ss -tino dst {host} dport = :{port}' },
      {
        text: 'on a Linux NAT: how long entries live',
        command: 'sysctl net.netfilter.nf_conntrack_tcp_timeout_established',
      },
    ],
    fix: "Close pooled connections before the device forgets them (a maximum idle time below the device's), or send TCP keep-alives more often than that.",
  },
  {
    code: 'B6',
    category: 'firewall',
    title: 'Connection-tracking table full on the way to {peer}',
    prior: 2,
    is: 'A stateful firewall or NAT has no room for another connection and drops the packets of new ones; established ones go on.',
    recognised:
      'On this host the tracked count stands at its maximum. On a node beyond, it looks like B1: new connections fail in bursts under load.',
    decides: 'the tracked count against its maximum on each NAT or firewall of the path',
    confirm: [
      {
        text: 'entries and limit',
        command: 'sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max',
      },
      { text: 'the kernel says it', command: "dmesg | grep -i 'nf_conntrack: table full'" },
    ],
    fix: 'Raise nf_conntrack_max, shorten the time-outs of dead entries, reuse connections instead of opening one a call.',
  },
];
