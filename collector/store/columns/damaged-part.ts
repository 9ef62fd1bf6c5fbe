/** Stored bytes that are not what was written: a checksum that differs, or content that cannot be. Imports nothing. */
export class DamagedPart extends Error {
  override readonly name = 'DamagedPart';
}
