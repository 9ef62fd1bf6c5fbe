/** D: turning a name into an address. */
import type { Cause, Check } from './cause.ts';

const ASK: Check = { text: 'the answer, and how long it takes', command: 'dig {host} +tries=1 +time=5' };
const SETTINGS: Check = {
  text: 'which resolver, which search domains (ndots), which time-outs',
  command: 'cat /etc/resolv.conf',
};

export const DNS: readonly Cause[] = [
  {
    code: 'D1',
    category: 'dns',
    title: 'The resolver does not answer for {host}',
    prior: 6,
    is: 'The name server is down, unreachable, or its answers are dropped. Lookups wait for seconds and then fail or are cut off.',
    recognised:
      'The lookup was open when the caller gave up, or failed after seconds of silence (EAI_AGAIN).',
    decides: 'asking each configured resolver directly',
    confirm: [ASK, SETTINGS, { text: 'questions without answers', command: 'tcpdump -ni any port 53' }],
    fix: 'Bring the resolver back or point to another; run a caching resolver on the host; shorten resolv.conf time-outs so that the second one is asked in time.',
  },
  {
    code: 'D2',
    category: 'dns',
    title: '{host} does not resolve',
    prior: 6,
    is: 'The resolver answered: there is no such name (NXDOMAIN), or it could not find out (SERVFAIL, EAI_AGAIN).',
    recognised: 'ENOTFOUND, EAI_AGAIN, "no such host", UnknownHostException and their like, at once.',
    decides: "the status in the resolver's answer",
    confirm: [ASK, SETTINGS, { text: 'the chain of delegation', command: 'dig +trace {host}' }],
    fix: 'Correct the name or create the record. For SERVFAIL look at the zone: delegation, DNSSEC, a dead authoritative server.',
  },
  {
    code: 'D3',
    category: 'dns',
    title: 'Resolving {host} is slow',
    prior: 4,
    is: 'The lookup succeeds, but takes so long that the rest of the budget is too short.',
    recognised: 'The dns phase is finished and used a large share of the budget.',
    decides: 'the time of a repeated lookup, with and without the cache',
    confirm: [ASK, SETTINGS],
    fix: 'Cache on the host; use full names with a final dot so that search domains are not tried first; find out why the authoritative server is slow.',
  },
  {
    code: 'D4',
    category: 'dns',
    title: '{host} resolves to a stale or wrong address',
    prior: 3,
    is: 'The name still points to where the service used to be. The address is dead, or belongs to something else.',
    recognised:
      'A connect fails at the address that a name stood for, most of all where other calls to that name are answered at another. That does not prove it: some addresses of a good name may be dead.',
    decides: 'the address tried, compared with the record as it is now',
    confirm: [ASK, { text: 'what this host would use', command: 'getent ahosts {host}' }],
    fix: 'Lower the TTL, honour it in clients (many cache for ever), restart what holds old addresses.',
  },
  {
    code: 'D5',
    category: 'dns',
    title: "{service}'s lookup threads were all busy",
    prior: 3,
    is: 'getaddrinfo blocks a thread. Node has four for lookups and files; when all are taken, lookups wait in the process before the resolver is even asked.',
    recognised:
      'The time from asking to being served by a thread is a large part of the dns phase, and what held the threads were no lookups.',
    decides:
      "what held the threads meanwhile: lookups that hang, or the program's own work on files, zlib and crypto",
    confirm: [
      {
        text: 'the size of the thread pool of the process',
        command: "tr '\\0' '\\n' < /proc/{pid}/environ | grep UV_THREADPOOL_SIZE",
      },
      ASK,
    ],
    fix: 'Find what holds the threads (a silent resolver holds them too: then that is the cause), raise UV_THREADPOOL_SIZE, cache lookups.',
  },
  {
    code: 'D6',
    category: 'dns',
    title: 'A lost answer of the resolver delayed {host}',
    prior: 3,
    is: "DNS runs over UDP: a lost packet is noticed only by the resolver library's timer, 5 s by default, then asked again.",
    recognised: 'The dns phase is close to a multiple of 5 s and then succeeds.',
    decides: 'the same lookup, repeated: mostly instant, now and then 5 s',
    confirm: [
      {
        text: 'twenty lookups in a row',
        command: 'for i in $(seq 20); do dig {host} +tries=1 | grep "Query time"; done',
      },
      SETTINGS,
    ],
    fix: 'A caching resolver on the host, `options single-request-reopen` (the known race of A and AAAA through NAT), or DNS over TCP.',
  },
];
