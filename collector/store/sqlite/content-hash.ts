/** What a resource or scope is known by, and by which a reader sees that it is as it was written. */
import { hash } from 'node:crypto';

const HASH_BYTES = 16;

export function contentHashOf(body: Buffer, schemaUrl: string): Buffer {
  // Of the body alone first, so that no bytes can pass from one into the other.
  const ofBody = hash('sha256', body, 'buffer');
  return hash('sha256', Buffer.concat([ofBody, Buffer.from(schemaUrl)]), 'buffer').subarray(0, HASH_BYTES);
}
