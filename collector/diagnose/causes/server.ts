/** C: a server that is overloaded or does not respond. */
import type { Cause, Check } from './cause.ts';

const LISTENING: Check = {
  text: 'on the server host: listening? queue (Recv-Q) against backlog (Send-Q)',
  command: "ss -tlnp 'sport = :{port}'",
};
const UNREAD: Check = {
  text: 'on the server host: connections with unread bytes (Recv-Q)',
  command: "ss -tnp state established 'sport = :{port}'",
};
const OVERFLOWS: Check = {
  text: 'on the server host: overflowing listen queues',
  command: 'nstat -az TcpExtListenOverflows TcpExtListenDrops',
};
const STATE: Check = {
  text: 'on the server host: running, stopped (T), or waiting?',
  command: "ps -o pid,stat,pcpu,etime,args -p $(ss -tlnpH 'sport = :{port}' | grep -oP 'pid=\\K\\d+')",
};

export const SERVER: readonly Cause[] = [
  {
    code: 'C1',
    category: 'server',
    title: 'Listen queue of {peer} full',
    prior: 7,
    is: 'The server accepts connections more slowly than they come. Its queue is full and the kernel drops further SYNs.',
    recognised:
      "The connect never completes; on the server's host ListenOverflows and ListenDrops rise and the queue is longer than its backlog.",
    decides: "ListenOverflows on the server's host rising during the connect",
    confirm: [OVERFLOWS, LISTENING],
    fix: 'Find out why the server does not accept (blocked, overloaded); then a larger backlog (listen(), net.core.somaxconn) and more instances.',
  },
  {
    code: 'C2',
    category: 'server',
    title: '{peer} had no room for the connection at the last step',
    prior: 2,
    is: 'The queue overflowed at the final ACK: the client believes it is connected, the server dropped it.',
    recognised:
      'Established on the client, the request is retransmitted, and ListenOverflows rises on the server.',
    decides: "ListenOverflows on the server's host, with no such connection there",
    confirm: [OVERFLOWS, LISTENING],
    fix: 'As for a full listen queue; net.ipv4.tcp_abort_on_overflow=1 makes it visible as a reset.',
  },
  {
    code: 'C3',
    category: 'server',
    title: '{peer} took the connection but its process does not respond',
    prior: 8,
    is: 'The process is stopped, its event loop is blocked, it collects garbage, or its cgroup is out of CPU. The kernel goes on accepting and acknowledging for it.',
    recognised:
      'The request is acknowledged, no byte of an answer comes; on the server the request lies unread, its span begins only after the give-up, or its event-loop delay is high.',
    decides:
      'unread bytes on the connection at the server, its event-loop delay, or its CPU time meanwhile: a process that is stopped uses none',
    confirm: [
      UNREAD,
      STATE,
      { text: 'CPU throttling of its cgroup', command: 'grep -H throttled /sys/fs/cgroup/*/cpu.stat' },
    ],
    fix: 'Stopped: start it. Blocked: move the long computation off the loop. Throttled or collecting: more CPU or memory.',
  },
  {
    code: 'C4',
    category: 'server',
    title: '{peer} does not read',
    prior: 5,
    is: 'The receiver has stopped reading: its window is closed, the sender has to wait with the rest of the request.',
    recognised: 'The request is not fully sent: send window 0, bytes not sent, time limited by the receiver.',
    decides: 'the send window of the connection, and unread bytes at the server',
    confirm: [
      {
        text: 'window and limits of the connection (rwnd_limited, notsent)',
        command: 'ss -tinm dst {host} dport = :{port}',
      },
      UNREAD,
    ],
    fix: 'Look at what the server does instead of reading: slow disk, blocked handler, too many uploads at once.',
  },
  {
    code: 'C5',
    category: 'server',
    title: 'All workers of {peer} busy',
    prior: 6,
    is: 'The request waits inside the server for a free worker, thread or database connection before its handler begins.',
    recognised:
      'The request was acknowledged long before the server span began, or the server span spends its time acquiring a connection, or its spans take in the middle many times what one in ten of them takes, for which quick and slow kinds of calls are another reason.',
    decides: "the server's count of busy workers, or a server span that began late",
    confirm: [
      UNREAD,
      LISTENING,
      {
        text: 'threads of the server',
        command: "ps -o pid,nlwp,args -p $(ss -tlnpH 'sport = :{port}' | grep -oP 'pid=\\K\\d+')",
      },
    ],
    fix: 'Find what the workers wait for: they are usually held by something slower behind. More workers only move the queue.',
  },
  {
    code: 'C6',
    category: 'server',
    title: '{peer} is out of file descriptors',
    prior: 2,
    is: 'The server has as many files and sockets open as it may, and cannot accept another.',
    recognised:
      'Connections stay in the listen queue, or are closed as soon as they are open, as by Node; the server may log EMFILE.',
    decides: 'open descriptors of the server against its limit',
    confirm: [
      {
        text: 'open descriptors',
        command: "ls /proc/$(ss -tlnpH 'sport = :{port}' | grep -oPm1 'pid=\\K\\d+')/fd | wc -l",
      },
      {
        text: 'the limit',
        command: "grep 'open files' /proc/$(ss -tlnpH 'sport = :{port}' | grep -oPm1 'pid=\\K\\d+')/limits",
      },
    ],
    fix: 'Close what leaks; raise the limit (LimitNOFILE, ulimit -n).',
  },
  {
    code: 'C7',
    category: 'server',
    title: '{peer} is not running, crashed, or reset the connection',
    prior: 8,
    is: 'Nothing listens on the port, or the process ended or closed the connection in the middle of the call.',
    recognised:
      'ECONNREFUSED answered by a reset, or ECONNRESET or "socket hang up" after the request was sent.',
    decides: 'whether the process was listening, and since when it runs',
    confirm: [
      LISTENING,
      STATE,
      { text: 'killed for memory?', command: "dmesg -T | grep -iE 'killed process|out of memory'" },
    ],
    fix: 'Start it, or find out why it died: log, exit code, memory limit. Take instances out of rotation before they stop.',
  },
  {
    code: 'C8',
    category: 'server',
    title: 'TLS handshake with {peer} did not complete',
    prior: 9,
    is: 'TCP stands, TLS does not: the server is out of CPU for handshakes, speaks plain text on that port, or refuses certificate, name or version.',
    recognised: 'The tls phase was open at the give-up, or the error speaks of TLS.',
    decides: 'what the server answers to a ClientHello',
    confirm: [
      {
        text: 'the handshake, step by step',
        command: 'openssl s_client -connect {host}:{port} -servername {host} -brief </dev/null',
      },
      {
        text: 'plain text on the port?',
        command: 'curl -sv -m 5 http://{host}:{port}/ -o /dev/null',
        peer: 'http',
      },
    ],
    fix: 'Renew or trust the certificate, correct name and port; when it is CPU: more of it, session resumption, longer-lived connections.',
  },
  {
    code: 'C9',
    category: 'server',
    title: '{peer} was starting or stopping',
    prior: 3,
    is: 'The instance was just started (not listening yet, cold caches) or is draining before its end.',
    recognised: "The server's uptime is short, or its version changed just before.",
    decides: 'the start time of the process and of its last deployment',
    confirm: [
      STATE,
      {
        text: 'start times of pods',
        command: 'kubectl get pods -o wide --sort-by=.status.startTime',
        peer: 'http',
      },
    ],
    fix: 'Readiness checks that tell the truth, warm-up before traffic, draining before SIGTERM.',
  },
];
