/**
 * Linux's `struct tcp_info`, as `getsockopt(TCP_INFO)` fills it: what the kernel knows about one connection. Pure.
 *
 * The struct only ever grew at its end, so the length that the kernel returns says which fields there are: 104 bytes up to
 * Linux 3.14, 192 at 4.10, 232 at 5.4, 240 at 6.2, 248 at 6.7, 280 at 6.18.
 * https://github.com/torvalds/linux/blob/master/include/uapi/linux/tcp.h
 */

/** The kernel's names, by its number. */
const states = [
  undefined,
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
  'NEW_SYN_RECV',
] as const;
export type TcpState = NonNullable<(typeof states)[number]>;

export function stateName(number: number | undefined): TcpState | undefined {
  return number === undefined ? undefined : states[number];
}

/** What is known about a connection. A field that the kernel does not have, or has nothing to say in, is absent. */
export interface TcpInfo {
  state?: TcpState;
  /** Retransmissions of what is unanswered now; progress sets it to 0. */
  retransmits?: number;
  /** Unanswered probes of a closed window, or of an idle connection. */
  probes?: number;
  /** How often the retransmission timer was doubled. */
  backoff?: number;
  rtoUs?: number;
  /** Segments sent and not acknowledged. */
  unackedSegments?: number;
  /** Of a socket that listens, how many may wait to be accepted, and `unackedSegments` how many do. */
  selectivelyAckedSegments?: number;
  lostSegments?: number;
  lastDataSentMs?: number;
  lastDataReceivedMs?: number;
  lastAckReceivedMs?: number;
  pathMtuBytes?: number;
  rttUs?: number;
  /** All retransmissions since the connection was opened. */
  totalRetransmits?: number;
  /** Of the program's own bytes: the SYN, which the kernel counts as one, is taken off. */
  ackedBytes?: number;
  receivedBytes?: number;
  segmentsOut?: number;
  segmentsIn?: number;
  /** Written by the program, not yet sent. */
  notSentBytes?: number;
  minRttUs?: number;
  busyUs?: number;
  /** How long the peer's window held the sender back. */
  rwndLimitedUs?: number;
  /** Every byte counted once, however often it was sent. */
  sentBytes?: number;
  sendWindowBytes?: number;
  receiveWindowBytes?: number;
  /** Retransmission time-outs. */
  totalRtos?: number;
}

/** The numbers of the struct that are read: name, offset, width, all in bytes and little-endian. */
const layout = [
  ['state', 0, 1],
  ['retransmits', 2, 1],
  ['probes', 3, 1],
  ['backoff', 4, 1],
  ['rtoUs', 8, 4],
  ['unackedSegments', 24, 4],
  ['selectivelyAckedSegments', 28, 4],
  ['lostSegments', 32, 4],
  ['lastDataSentMs', 44, 4],
  ['lastDataReceivedMs', 52, 4],
  ['lastAckReceivedMs', 56, 4],
  ['pathMtuBytes', 60, 4],
  ['rttUs', 68, 4],
  ['totalRetransmits', 100, 4],
  ['ackedBytes', 120, 8],
  ['receivedBytes', 128, 8],
  ['segmentsOut', 136, 4],
  ['segmentsIn', 140, 4],
  ['notSentBytes', 144, 4],
  ['minRttUs', 148, 4],
  ['busyUs', 168, 8],
  ['rwndLimitedUs', 176, 8],
  ['sentBytes', 200, 8],
  ['retransmittedBytes', 208, 8],
  ['sendWindowBytes', 228, 4],
  ['receiveWindowBytes', 232, 4],
  ['totalRtos', 240, 2],
] as const;

type RawInfo = Partial<Record<(typeof layout)[number][0], number>>;

/** The fields that lie wholly within `bytes`: the part of the buffer that the kernel filled. */
function readFields(bytes: Uint8Array): RawInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const raw: RawInfo = {};
  for (const [name, offset, width] of layout) {
    if (offset + width > bytes.byteLength) continue;
    if (width === 1) raw[name] = view.getUint8(offset);
    else if (width === 2) raw[name] = view.getUint16(offset, true);
    else if (width === 4) raw[name] = view.getUint32(offset, true);
    else raw[name] = Number(view.getBigUint64(offset, true));
  }
  return raw;
}

const noSample = 0xffff_ffff;

/** Reads what the kernel filled, and leaves out what it fills with garbage. */
export function decodeTcpInfo(bytes: Uint8Array): TcpInfo {
  const { state, ackedBytes, sentBytes, retransmittedBytes, minRttUs, rttUs, ...raw } = readFields(bytes);
  const name = stateName(state);
  const info: TcpInfo = { ...raw };
  if (name !== undefined) info.state = name;
  // 0: no round trip has been measured.
  if (rttUs) info.rttUs = rttUs;
  if (minRttUs !== undefined && minRttUs !== noSample) info.minRttUs = minRttUs;
  if (ackedBytes !== undefined) info.ackedBytes = Math.max(0, ackedBytes - 1);
  if (sentBytes !== undefined && retransmittedBytes !== undefined) {
    info.sentBytes = Math.max(0, sentBytes - retransmittedBytes);
    // The FIN counts as one acknowledged byte too.
    if (info.ackedBytes !== undefined) info.ackedBytes = Math.min(info.ackedBytes, info.sentBytes);
  }
  // So does the peer's among those received.
  if (info.receivedBytes !== undefined && hasPeersFin(name)) {
    info.receivedBytes = Math.max(0, info.receivedBytes - 1);
  }
  if (!wasEstablished(name, ackedBytes, rttUs)) {
    // Counted from the kernel's start, and the window of a handshake that has not been answered.
    delete info.lastDataSentMs;
    delete info.lastDataReceivedMs;
    delete info.lastAckReceivedMs;
    delete info.sendWindowBytes;
  }
  return info;
}

export function hasPeersFin(state: TcpState | undefined): boolean {
  return state === 'CLOSE_WAIT' || state === 'LAST_ACK' || state === 'CLOSING' || state === 'TIME_WAIT';
}

/** A closed connection may have been refused, or have given up, before it was ever open. */
function wasEstablished(
  state: TcpState | undefined,
  ackedBytes: number | undefined,
  rttUs: number | undefined,
): boolean {
  if (state === 'CLOSE') return (ackedBytes ?? 0) > 0 || (rttUs ?? 0) > 0;
  return state !== undefined && !['SYN_SENT', 'SYN_RECV', 'NEW_SYN_RECV', 'LISTEN'].includes(state);
}
