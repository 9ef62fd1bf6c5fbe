/** Decodes what is kept in OTLP's own form. Its bytes were seen to be whole; that they are none of it is damage all the same. */
import { DecodeError } from '../../decode/decode-error.ts';
import { DamagedPart } from './damaged-part.ts';

export function decodeStored<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DamagedPart(error.message);
  }
}
