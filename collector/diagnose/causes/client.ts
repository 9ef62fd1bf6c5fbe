/** F: the client itself. */
import type { Cause, Check } from './cause.ts';

const CONNECTIONS: Check = {
  text: 'connections of the client by state',
  command: "ss -tan dst {host} dport = :{port} | awk '{print $1}' | sort | uniq -c",
};
const CPU: Check = {
  text: 'is the client busy computing?',
  command: 'top -b -H -n 1 -p {pid}',
};

export const CLIENT: readonly Cause[] = [
  {
    code: 'F1',
    category: 'client',
    title: "{service}'s time-out is shorter than {peer} normally takes",
    prior: 5,
    is: 'The limit is below the time the callee needs when all is well.',
    recognised:
      "The server's own durations are longer than the budget, nine in ten of them where it is likely, one in ten at least where it is possible; the server finishes well after the caller has left, or is left by the same deadline.",
    decides:
      "the callee's own durations, those included that ended after the caller had given up; where they differ much, those of a quiet time",
    confirm: [
      {
        text: 'how long the answer takes when nobody gives up',
        command: 'curl -so /dev/null -m 120 -w "%{time_total}s\\n" {url}',
        peer: 'http',
      },
    ],
    fix: "Set the limit above the callee's 99th percentile (of its own durations, not of the successes you saw), or make the callee faster.",
  },
  {
    code: 'F2',
    category: 'client',
    title: 'Budget inversion: an inner limit is longer than what the caller had left',
    prior: 4,
    is: 'A service waits for its callee longer than its own caller waits for it. The inner call cannot end in time to be of use, and its result is thrown away.',
    recognised: "An inner call's budget is at least what was left of the outer one when it began.",
    decides: 'both budgets, and what was left of the outer one when the inner call began',
    confirm: [
      {
        text: 'where the limits are set',
        command: "grep -rnE 'timeout|deadline' --include='*.{js,ts,go,java,py,yaml,yml,conf}' .",
      },
    ],
    fix: 'Pass the deadline on (gRPC does), or make every inner limit shorter than the outer one less the work around it.',
  },
  {
    code: 'F3',
    category: 'client',
    title: "{service}'s event loop was blocked while its time ran out",
    prior: 4,
    is: 'The client was busy; its timer fired when it came back, before it looked at the socket on which the answer already lay, or had given the request any time.',
    recognised:
      'The event loop was blocked for a large part of the wait, and the kernel had received bytes the program had not read; or the timer fired late, and the request had not been sent when its time was over.',
    decides: 'bytes received by the kernel and unread by the program at the give-up',
    confirm: [
      CPU,
      { text: 'unread bytes (Recv-Q) at the client', command: 'ss -tn dst {host} dport = :{port}' },
    ],
    fix: 'Find the long task (a CPU profile of the client), split it or move it to a worker.',
  },
  {
    code: 'F4',
    category: 'client',
    title: '{service} waited in its own pool for a connection to {peer}',
    prior: 9,
    is: 'All pooled connections (or HTTP/2 streams) were in use by calls that were themselves fine: the pool is too small for the load.',
    recognised:
      'The budget went into the queue phase, while other calls to the same peer ended well; likely where the pool is known to have been full.',
    decides: 'what the holders of the pool were doing: working normally, or hanging themselves',
    confirm: [
      CONNECTIONS,
      {
        text: 'pool settings',
        command:
          "grep -rnE 'maxSockets|connections|maximumPoolSize|pool_size|max:' --include='*.{js,ts,java,py,yaml,yml,properties}' .",
      },
    ],
    fix: 'If the holders hang, what they wait for is the cause. Else a larger pool, shorter holds (release before slow work), or fewer parallel calls.',
  },
  {
    code: 'F5',
    category: 'client',
    title: '{service} gave each address of {peer} too little time',
    prior: 2,
    is: 'With several addresses Node tries each for 250 ms; on a slow path every attempt is cut off before it can succeed.',
    recognised:
      'Several attempts that each ended after the same short time, while a connect with more time succeeds.',
    decides: 'a connect to one of the addresses with more time',
    confirm: [
      {
        text: 'the time a connect takes over IPv4 and IPv6',
        command: 'for v in 4 6; do time nc -$v -vz -w 5 {host} {port}; done',
      },
    ],
    fix: 'net.setDefaultAutoSelectFamilyAttemptTimeout(1000) or --network-family-autoselection-attempt-timeout; remove dead AAAA records.',
  },
  {
    code: 'F6',
    category: 'client',
    title: '{service} waits for {peer} without any limit',
    prior: 3,
    is: 'The inner call has no time-out at all. Somebody above gives up, the call stays and holds its resources.',
    recognised:
      'The call was still open long after its caller had given up, and no timer of its own ever ended it.',
    decides: 'the time-out set on this call in the code of the caller',
    confirm: [
      CONNECTIONS,
      {
        text: 'where the call is made',
        command: "grep -rn '{host}' --include='*.{js,ts,go,java,py,yaml,yml}' .",
      },
    ],
    fix: 'Give the call a limit shorter than what its own caller waits.',
  },
  {
    code: 'F7',
    category: 'client',
    title: '{service} ran into a limit of its own host',
    prior: 3,
    is: 'No free local port (EADDRNOTAVAIL) or no free descriptor (EMFILE, ENFILE): the connect fails before a packet is sent.',
    recognised: 'The error code names it, at once.',
    decides: 'the error code',
    confirm: [
      { text: 'local ports in use towards the peer', command: 'ss -tan dst {host} dport = :{port} | wc -l' },
      { text: 'the range there is', command: 'sysctl net.ipv4.ip_local_port_range' },
      { text: 'open descriptors of the client', command: 'ls /proc/{pid}/fd | wc -l' },
    ],
    fix: 'Reuse connections (keep-alive), close what leaks, raise the limit.',
  },
];
