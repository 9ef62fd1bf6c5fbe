import { describe, expect, it } from 'vitest';
import { tcpAttributes, type Use } from '../../instrumentation/kernel/attributes.ts';
import {
  newEvidence,
  noteSocket,
  readBeforeDestroy,
  type ConnectionUser,
} from '../../instrumentation/kernel/evidence.ts';
import { findRow } from '../../instrumentation/kernel/proc-net-tcp.ts';
import { noReading, type Reading } from '../../instrumentation/kernel/reading.ts';
import { decodeTcpInfo, type TcpInfo } from '../../instrumentation/kernel/tcp-info.ts';
import { captures, procTable } from './tcp-captures.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

/** A buffer as a kernel fills it, built by hand. */
function build(length: number, fields: [offset: number, width: 1 | 4 | 8, value: number][]): Uint8Array {
  const buffer = Buffer.alloc(length);
  for (const [offset, width, value] of fields) {
    if (width === 8) buffer.writeBigUInt64LE(BigInt(value), offset);
    else buffer.writeUIntLE(value, offset, width);
  }
  return Uint8Array.from(buffer);
}

const ESTABLISHED = 1;
const CLOSE = 7;

describe('TCP_INFO as this kernel fills it', () => {
  it('tells a request that was acknowledged and not answered', () => {
    expect(decodeTcpInfo(bytesOf(captures.silent))).toMatchObject({
      state: 'ESTABLISHED',
      unackedSegments: 0,
      sentBytes: 100,
      ackedBytes: 100,
      receivedBytes: 0,
      totalRetransmits: 0,
      lastDataSentMs: 1708,
      rttUs: 35,
      minRttUs: 25,
    });
  });

  it('tells a closed window', () => {
    expect(decodeTcpInfo(bytesOf(captures.zeroWindow))).toMatchObject({
      state: 'ESTABLISHED',
      sendWindowBytes: 0,
      backoff: 3,
      notSentBytes: 3_791_494,
      rwndLimitedUs: 1_704_000,
      busyUs: 1_704_000,
      sentBytes: 127_973,
      ackedBytes: 127_973,
    });
  });

  it('tells a SYN that nothing answers, without what the kernel has only once it is answered', () => {
    const info = decodeTcpInfo(bytesOf(captures.synSent));
    expect(info).toMatchObject({
      state: 'SYN_SENT',
      retransmits: 1,
      totalRetransmits: 1,
      unackedSegments: 1,
      segmentsIn: 0,
      rtoUs: 1_000_000,
      ackedBytes: 0,
    });
    for (const absent of ['lastDataSentMs', 'lastDataReceivedMs', 'lastAckReceivedMs', 'sendWindowBytes']) {
      expect(info).not.toHaveProperty(absent);
    }
    expect(info).not.toHaveProperty('rttUs');
    expect(info).not.toHaveProperty('minRttUs');
  });

  it('tells a refusal by the segment that came back, and leaves out what was never established', () => {
    const info = decodeTcpInfo(bytesOf(captures.refused));
    expect(info).toMatchObject({ state: 'CLOSE', segmentsIn: 1, segmentsOut: 1, ackedBytes: 0 });
    expect(info).not.toHaveProperty('lastDataReceivedMs');
  });
});

describe('TCP_INFO as other kernels fill it', () => {
  const steps: { length: number; kernel: string; has: keyof TcpInfo; lacks: (keyof TcpInfo)[] }[] = [
    { length: 104, kernel: '3.14', has: 'totalRetransmits', lacks: ['ackedBytes'] },
    { length: 192, kernel: '4.10', has: 'rwndLimitedUs', lacks: ['sentBytes'] },
    { length: 232, kernel: '5.4', has: 'sendWindowBytes', lacks: ['receiveWindowBytes'] },
    { length: 240, kernel: '6.2', has: 'receiveWindowBytes', lacks: ['totalRtos'] },
    { length: 248, kernel: '6.7', has: 'totalRtos', lacks: [] },
    { length: 280, kernel: '6.18', has: 'totalRtos', lacks: [] },
  ];
  const whole = decodeTcpInfo(bytesOf(captures.zeroWindow));

  it.each(steps)('has of $length bytes ($kernel) the fields they hold, and no others', (step) => {
    const info = decodeTcpInfo(bytesOf(captures.zeroWindow).subarray(0, step.length));
    expect(info[step.has]).toBe(whole[step.has]);
    for (const field of step.lacks) expect(info).not.toHaveProperty(field);
    expect(info.state).toBe('ESTABLISHED');
  });

  it('has a field when its last byte is there, and not when that byte is missing', () => {
    const bytes = bytesOf(captures.zeroWindow);
    expect(decodeTcpInfo(bytes.subarray(0, 232)).sendWindowBytes).toBe(0);
    expect(decodeTcpInfo(bytes.subarray(0, 231))).not.toHaveProperty('sendWindowBytes');
  });

  it('does not count the SYN as acknowledged, nor the FIN where the bytes sent are known', () => {
    const sent = (length: number, acked: number) =>
      decodeTcpInfo(
        build(length, [
          [0, 1, ESTABLISHED],
          [120, 8, acked],
          ...(length > 208
            ? ([
                [200, 8, 150],
                [208, 8, 50],
              ] as [number, 8, number][])
            : []),
        ]),
      );
    expect(sent(192, 1).ackedBytes).toBe(0);
    expect(sent(192, 101).ackedBytes).toBe(100);
    expect(sent(232, 102)).toMatchObject({ sentBytes: 100, ackedBytes: 100 });
  });

  it('does not count the FIN of the peer as received, once it has come', () => {
    const received = (state: number) =>
      decodeTcpInfo(
        build(192, [
          [0, 1, state],
          [128, 8, 101],
        ]),
      ).receivedBytes;
    const CLOSE_WAIT = 8;
    expect([received(ESTABLISHED), received(CLOSE_WAIT)]).toEqual([101, 100]);
  });

  it('keeps the times of a connection that the kernel closed after it was established', () => {
    const closed = (rttUs: number, acked: number) =>
      decodeTcpInfo(
        build(192, [
          [0, 1, CLOSE],
          [52, 4, 4242],
          [68, 4, rttUs],
          [120, 8, acked],
        ]),
      );
    expect(closed(0, 0)).not.toHaveProperty('lastDataReceivedMs');
    expect(closed(1, 0).lastDataReceivedMs).toBe(4242);
    expect(closed(0, 1).lastDataReceivedMs).toBe(4242);
  });

  it('has no smallest round trip before one was measured', () => {
    const minRtt = (value: number) =>
      decodeTcpInfo(
        build(192, [
          [0, 1, ESTABLISHED],
          [148, 4, value],
        ]),
      ).minRttUs;
    expect(minRtt(0xffff_ffff)).toBeUndefined();
    expect(minRtt(0xffff_fffe)).toBe(0xffff_fffe);
  });

  it('takes any bytes of any length', () => {
    let seed = 7;
    const random = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31);
    for (let length = 0; length <= 512; length += 1) {
      const info = decodeTcpInfo(Uint8Array.from({ length }, () => random() >> 8));
      expect(Object.values(info).every((value) => typeof value === 'string' || value >= 0)).toBe(true);
    }
    expect(decodeTcpInfo(new Uint8Array(0))).toEqual({});
  });
});

describe('a row of /proc/self/net/tcp', () => {
  it('is found by the inode of its socket', () => {
    expect(findRow(procTable, '670273')).toEqual({
      state: 'ESTABLISHED',
      sendQueueBytes: 0x39da86,
      receiveQueueBytes: 0,
      retransmits: 0,
    });
    expect(findRow(procTable, '670275')).toEqual({
      state: 'SYN_SENT',
      sendQueueBytes: 1,
      receiveQueueBytes: 0,
      retransmits: 1,
    });
  });

  it('is not there for another socket, the header, or a part of a number', () => {
    for (const inode of ['1', '67027', '6702731', 'inode', '']) {
      expect(findRow(procTable, inode)).toBeUndefined();
    }
  });

  it('is passed over when it is cut short or holds something else', () => {
    expect(findRow(procTable.slice(0, procTable.indexOf('670275') + 5), '670275')).toBeUndefined();
    expect(findRow('0: a b 01 nonsense 00:0 0 0 0 99 1', '99')).toBeUndefined();
    expect(findRow('', '99')).toBeUndefined();
  });
});

describe('the attributes of a reading', () => {
  const reading: Reading = {
    source: 'tcp_info',
    problem: undefined,
    info: decodeTcpInfo(bytesOf(captures.zeroWindow)),
    unreadBytes: 0,
  };
  const names = (use: Use) => Object.keys(tcpAttributes(reading, use)).map((name) => name.slice(12));
  const instantaneous = [
    'source',
    'state',
    'retransmits',
    'unacked',
    'not_sent',
    'unread',
    'send_window',
    'rtt_us',
    'rto_ms',
    'backoff',
    'last_data_sent_ms',
    'last_data_received_ms',
  ];
  const bytes = ['bytes_sent', 'bytes_acked', 'bytes_received'];
  const nothing = { writtenBytes: 0, readBytes: 0 };

  it('are all of them for the call that opened the connection', () => {
    expect(names({ isOwn: true, isShared: false, before: nothing })).toEqual([
      ...instantaneous,
      ...bytes,
      'total_retransmits',
      'segments_in',
      'segments_out',
      'rwnd_limited_us',
    ]);
  });

  it('are those of the moment and its own bytes for a call that got the connection from another', () => {
    const before = { writtenBytes: 120_000, readBytes: 10 };
    expect(names({ isOwn: false, isShared: false, before })).toEqual([...instantaneous, ...bytes]);
    expect(tcpAttributes(reading, { isOwn: false, isShared: false, before })).toMatchObject({
      'sockeye.tcp.bytes_sent': 7973,
      'sockeye.tcp.bytes_acked': 7973,
      'sockeye.tcp.bytes_received': 0,
      'sockeye.tcp.rto_ms': 208,
    });
  });

  it('are those of the moment, marked as the connection’s, when it is shared', () => {
    const use = { isOwn: true, isShared: true, before: nothing };
    expect(names(use)).toEqual([...instantaneous, 'scope']);
    expect(tcpAttributes(reading, use)['sockeye.tcp.scope']).toBe('connection');
  });

  it('leave out bytes when nothing says what had gone through before', () => {
    expect(names({ isOwn: false, isShared: false, before: undefined })).toEqual(instantaneous);
  });

  it('say that there are none, and why', () => {
    const none = tcpAttributes(noReading('no descriptor'), { isOwn: true, isShared: true, before: nothing });
    expect(none).toEqual({ 'sockeye.tcp.source': 'none', 'sockeye.tcp.problem': 'no descriptor' });
  });
});

describe('a socket that is destroyed', () => {
  /** Counts how often its descriptor is asked for; it has none to give. */
  function watchedSocket() {
    const seen = { reads: 0 };
    const socket = Object.defineProperty({}, '_handle', { get: () => void (seen.reads += 1) });
    return { socket: socket as never, seen };
  }
  const user = (isComplete: boolean, ageMs = 0) => ({
    startMs: performance.now() - ageMs,
    hasSocket: false,
    isShared: false,
    isComplete: () => isComplete,
  });
  const readsFor = (users: ReturnType<typeof user>[], isOpen: boolean, error?: unknown) => {
    const evidence = newEvidence();
    for (const each of users) evidence.users.add(each);
    const { socket, seen } = watchedSocket();
    readBeforeDestroy(evidence, socket, isOpen, error);
    return seen.reads;
  };

  it('is not read when nobody uses it, or when all its calls had their answer in good time', () => {
    expect(readsFor([], true)).toBe(0);
    expect(readsFor([], true, new Error('idle'))).toBe(0);
    expect(readsFor([user(true)], true)).toBe(0);
  });

  it('is read when it was never open, and when a call failed, is unfinished, or was slow', () => {
    expect(readsFor([], false)).toBe(1);
    expect(readsFor([user(true)], true, new Error('reset'))).toBe(1);
    expect(readsFor([user(false)], true)).toBe(1);
    expect(readsFor([user(true, 999_999)], true)).toBe(1);
  });
});

describe('a socket that several calls have at once', () => {
  it('is shared by them, and not by one that only waited for it', () => {
    const [waiting, first, second] = [1, 2, 3].map(() => ({
      startMs: 0,
      hasSocket: false,
      isShared: false,
      isComplete: () => false,
    })) as [ConnectionUser, ConnectionUser, ConnectionUser];
    const evidence = newEvidence();
    for (const each of [waiting, first]) evidence.users.add(each);
    noteSocket(evidence, first);
    expect(first.isShared).toBe(false);
    evidence.users.add(second);
    noteSocket(evidence, second);
    expect([waiting, first, second].map(({ isShared }) => isShared)).toEqual([false, true, true]);
  });
});
