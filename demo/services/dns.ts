/**
 * The shop's name server, over UDP: every name in HOSTS is at 127.0.0.1, every other one does not exist.
 * Message format: RFC 1035 section 4.
 */
import { createSocket } from 'node:dgram';

const hosts = new Set(process.env.HOSTS?.split(','));
const headerBytes = 12;
const typeA = 1;

/** Reads the question's name; returns it with the offset behind it, or null when the message is cut short. */
function readName(message: Buffer): { name: string; end: number } | null {
  const labels: string[] = [];
  let at = headerBytes;
  while (at < message.length) {
    const length = message.readUInt8(at);
    at += 1;
    if (length === 0) return { name: labels.join('.').toLowerCase(), end: at };
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  return null;
}

function answer(query: Buffer): Buffer | null {
  const question = query.length > headerBytes ? readName(query) : null;
  if (!question || question.end + 4 > query.length) return null;
  const known = hosts.has(question.name);
  const withAddress = known && query.readUInt16BE(question.end) === typeA;

  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2); // the query's id
  header.writeUInt16BE(known ? 0x8580 : 0x8583, 2); // authoritative answer: no error, or the name does not exist
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(withAddress ? 1 : 0, 6);
  // Answer: a pointer to the name at offset 12, type A, class IN, time to live 0, 4 bytes of address.
  const record = Buffer.from([0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
  const parts = [header, query.subarray(headerBytes, question.end + 4)];
  return Buffer.concat(withAddress ? [...parts, record] : parts);
}

const socket = createSocket('udp4');
socket.on('message', (query, from) => {
  const reply = answer(query);
  if (reply) socket.send(reply, from.port, from.address);
});
socket.bind(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${socket.address().port}`);
});
