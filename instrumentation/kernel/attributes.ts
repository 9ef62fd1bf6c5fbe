/** The attributes of a reading: of a connection's values, those that are one call's own. Pure. */
import type { Attributes } from '@opentelemetry/api';
import type { Reading, Transferred } from './reading.ts';

/** How a call used the connection. */
export interface Use {
  /** The connection was opened for this call and carried no other: all its counters are the call's. */
  isOwn: boolean;
  /** Other calls used it at the same time, or could have, as streams of HTTP/2 do. */
  isShared: boolean;
  /** What had gone through it when it was ready for the call: earlier calls, and the handshake of TLS. */
  before: Transferred | undefined;
}

/**
 * A shared connection has only what holds at the moment of reading, marked as its own and not the call's. A reused one has
 * besides that the bytes of this call; the counters that were never read before the call cannot be told apart and are left out.
 */
export function tcpAttributes(reading: Reading, use: Use): Attributes {
  const { source, problem, info, unreadBytes } = reading;
  const values: Record<string, string | number | undefined> = {
    source,
    problem,
    state: info.state,
    retransmits: info.retransmits,
    unacked: info.unackedSegments,
    not_sent: info.notSentBytes,
    unread: unreadBytes,
    send_window: info.sendWindowBytes,
    rtt_us: info.rttUs,
    rto_ms: info.rtoUs === undefined ? undefined : info.rtoUs / 1000,
    backoff: info.backoff,
    last_data_sent_ms: info.lastDataSentMs,
    last_data_received_ms: info.lastDataReceivedMs,
  };
  if (use.isShared) {
    if (source !== 'none') values['scope'] = 'connection';
  } else {
    const { writtenBytes, readBytes } = use.before ?? {};
    values['bytes_sent'] = since(info.sentBytes, writtenBytes);
    values['bytes_acked'] = since(info.ackedBytes, writtenBytes);
    values['bytes_received'] = since(info.receivedBytes, readBytes);
  }
  if (use.isOwn && !use.isShared) {
    values['total_retransmits'] = info.totalRetransmits;
    values['segments_in'] = info.segmentsIn;
    values['segments_out'] = info.segmentsOut;
    values['rwnd_limited_us'] = info.rwndLimitedUs;
  }
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) attributes[`sockeye.tcp.${name}`] = value;
  }
  return attributes;
}

/** TCP delivers in order: what is beyond the bytes of before is the call's own. */
function since(totalBytes: number | undefined, beforeBytes: number | undefined): number | undefined {
  return totalBytes === undefined || beforeBytes === undefined
    ? undefined
    : Math.max(0, totalBytes - beforeBytes);
}
