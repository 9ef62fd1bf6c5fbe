/** What a process says of itself with the counters of its host, and of what waits at its sockets. */
import { expect, it } from 'vitest';
import { readWaiting } from '../../instrumentation/host/listeners.ts';
import { parseOpenMax, watchProcess } from '../../instrumentation/host/process-counters.ts';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const row = (local: string, state: string, queue: string, retransmits = '00000000') =>
  `   0: ${local} 0100007F:9C40 ${state} 00000000:${queue} 00:00000000 ${retransmits}     0        0 4229576 1\n`;
const v6 = '00000000000000000000000000000000';

it('of the sockets that listen, the one at which most wait is told of', () => {
  const table = head + row('0100007F:1F90', '0A', '00000003') + row(`${v6}:1F91`, '0A', '0000000C');
  expect(readWaiting(table, new Set([0x1f90, 0x1f91]))).toMatchObject({ port: 0x1f91, queue: 12 });
  expect(readWaiting(table, new Set([0x1f90]))).toMatchObject({ port: 0x1f90, queue: 3 });
});

it('connections of other ports are nobody’s, and a process that does not listen has none', () => {
  const table = head + row('0100007F:1F90', '0A', '00000000') + row('0100007F:1F92', '01', '000000FF');
  expect(readWaiting(table, new Set([0x1f90]))).toMatchObject({ unreadConnections: 0, halfOpen: 0 });
  expect(readWaiting(table, new Set([0x1f93]))).toBeUndefined();
  for (const text of ['', head, 'no table\nat all', `${head}  0: :: `])
    expect(readWaiting(text, new Set([1]))).toBeUndefined();
});

it('unread bytes and handshakes that do not end are counted', () => {
  const table =
    head +
    row('0100007F:1F90', '0A', '00000000') +
    row('0100007F:1F90', '01', '00000010') +
    row('0100007F:1F90', '01', '00000000') +
    row('0100007F:1F90', '01', '00000005') +
    row('0100007F:1F90', '03', '00000000', '00000002') +
    row('0100007F:1F90', '03', '00000000');
  expect(readWaiting(table, new Set([0x1f90]))).toEqual({
    port: 0x1f90,
    queue: 0,
    unreadConnections: 2,
    unreadBytes: 21,
    halfOpen: 2,
    halfOpenRetransmitted: 1,
    isCut: false,
  });
});

it('the limit of descriptors is the one that holds', () => {
  expect(
    parseOpenMax('Max open files            1024                 524288               files     \n'),
  ).toBe(1024);
  expect(
    parseOpenMax('Max open files            unlimited            unlimited            files     \n'),
  ).toBeUndefined();
});

it.skipIf(process.platform !== 'linux')('a process tells what it has used and what it may', async () => {
  const counters = new Map((await watchProcess()()).map(({ name, value }) => [name, value]));
  expect(counters.get('process.memory.resident_bytes')).toBeGreaterThan(2 ** 20);
  expect(counters.get('process.event_loop.utilization')).toBeLessThanOrEqual(1);
  expect(counters.get('process.descriptors.max')).toBeGreaterThan(0);
});
