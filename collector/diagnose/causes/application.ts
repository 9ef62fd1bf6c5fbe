/** G: the application that was called. */
import type { Cause, Check } from './cause.ts';

const PROFILE: Check = {
  text: 'what the process spends its time on, on its host',
  command: 'perf top -p {pid}   # or, started anew: node --cpu-prof app.js',
};
const QUERIES: Check = {
  text: 'running queries, the longest first (PostgreSQL)',
  command:
    'psql -h {host} -p {port} -c "select now()-query_start as age, wait_event_type, wait_event, state, left(query,80) from pg_stat_activity where state<>\'idle\' order by 1 desc limit 10"',
  peer: 'postgresql',
};
const QUERIES_MYSQL: Check = {
  text: 'running queries, the longest first (MySQL)',
  command:
    'mysql -h {host} -P {port} -e "select id, time, state, left(info,80) from information_schema.processlist where command<>\'Sleep\' order by time desc limit 10"',
  peer: 'mysql',
};
const SLOW_LOG: Check = {
  text: 'the slowest commands of late (Redis)',
  command: 'redis-cli -h {host} -p {port} slowlog get 10',
  peer: 'redis',
};
const LOCKS: Check = {
  text: 'who waits for whose lock (PostgreSQL)',
  command:
    'psql -h {host} -p {port} -c "select pid, pg_blocking_pids(pid), left(query,80) from pg_stat_activity where cardinality(pg_blocking_pids(pid))>0"',
  peer: 'postgresql',
};
const LOCKS_MYSQL: Check = {
  text: 'who waits for whose lock (MySQL)',
  command:
    'mysql -h {host} -P {port} -e "select waiting_pid, blocking_pid, left(waiting_query,80) from sys.innodb_lock_waits"',
  peer: 'mysql',
};
const STACKS: Check = {
  text: 'whether its threads run, sleep or are stopped, on its host',
  command: 'ps -L -o tid,stat,wchan:24,pcpu,comm -p {pid}',
};

export const APPLICATION: readonly Cause[] = [
  {
    code: 'G1',
    category: 'application',
    title: "{service}'s own code is slow",
    prior: 9,
    is: 'The time went into the service itself: computing, waiting for a disk or a lock, something that makes no spans, or many more calls than usual (N+1).',
    recognised:
      'Most of the budget lies in a span with nothing recorded below it; likely where its event loop was blocked all the while and its thread computed, or where so many calls in a row, each as fast as ever, take twice as long as all of the operation normally does.',
    decides: 'a profile of the service during such a request, or spans for what it calls',
    confirm: [PROFILE, STACKS],
    fix: 'Profile the operation; record what it calls, so that the next trace shows more. Many short calls: fetch together what they fetch one by one.',
  },
  {
    code: 'G2',
    category: 'application',
    title: '{peer} is slow to answer',
    prior: 7,
    is: 'A database or dependency took most of the budget: one long query, or the same one again and again (N+1).',
    recognised:
      'One call to it, or many in a row, cover most of the budget: of many, only what is normal tells whether they are more than usual; or a limit of its own ended the statement: statement_timeout, max_statement_time, max_execution_time, maxTimeMS.',
    decides: "the dependency's own view: its slow log, running queries and locks",
    confirm: [
      QUERIES,
      QUERIES_MYSQL,
      SLOW_LOG,
      LOCKS,
      LOCKS_MYSQL,
      {
        text: 'how long it takes to answer, from here',
        command: 'curl -so /dev/null -w "first byte %{time_starttransfer}s, all %{time_total}s\\n" {url}',
        peer: 'http',
      },
    ],
    fix: 'One long query: an index, a plan, less data. Many short ones: fetch them together.',
  },
  {
    code: 'G3',
    category: 'application',
    title: "{peer}'s handler never answers",
    prior: 5,
    is: 'The request was taken and then forgotten: a deadlock, a promise that never settles, a callback that is never called.',
    recognised:
      "The server's span never ends, or ends only because the client left, with nothing going on below it.",
    decides: "the server's span: open without end, and idle",
    confirm: [STACKS, LOCKS, LOCKS_MYSQL],
    fix: 'Look at the paths of the handler that end without an answer; give everything it waits for a limit.',
  },
  {
    code: 'G4',
    category: 'application',
    title: '{service} waited for a lock or pool of its own',
    prior: 4,
    is: 'The handler ran, but waited for something shared inside: a mutex, a semaphore, a row lock, a connection pool.',
    recognised:
      'Time in acquiring a connection or lock inside the server, or a lock time-out of its database.',
    decides: 'who held the lock or the connections meanwhile',
    confirm: [LOCKS, LOCKS_MYSQL, STACKS],
    fix: 'Hold it for less: no calls to others inside a transaction, a consistent order of locks, a limit on waiting.',
  },
  {
    code: 'G5',
    category: 'application',
    title: '{peer} sends its answer slowly',
    prior: 5,
    is: 'The answer began, and drips or stops: the server computes it while sending.',
    recognised:
      'The receive phase, or after first bytes the wait, was open at the give-up, on a connection without retransmits.',
    decides: 'whether the server still had data to send (network) or had not made it yet (application)',
    confirm: [
      {
        text: 'how the answer arrives',
        command: 'curl -sN -o /dev/null -w "first byte %{time_starttransfer}s, all %{time_total}s\\n" {url}',
        peer: 'http',
      },
      {
        text: 'on the server: data waiting to be sent (Send-Q)',
        command: "ss -tn state established 'sport = :{port}'",
      },
    ],
    fix: 'Make the data before or faster than it is sent; page large answers.',
  },
  {
    code: 'G6',
    category: 'application',
    title: '{service} retries {peer} until the budget is gone',
    prior: 3,
    is: 'Retries without a budget: each attempt takes its time and adds load to what is already slow.',
    recognised: 'Several attempts of one call to the same callee that together use up the budget.',
    decides: 'the number of attempts, and whether a single one would have had time to succeed',
    confirm: [
      {
        text: 'where retries are configured',
        command: "grep -rniE 'retr(y|ies)|backoff' --include='*.{js,ts,go,java,py,yaml,yml}' .",
      },
    ],
    fix: 'Retry in one layer, few times, with back-off and jitter, within the remaining budget; stop when most calls fail.',
  },
];
