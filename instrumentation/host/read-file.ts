/** Reads a file of the kernel's. */
import { readFileSync } from 'node:fs';

/** '' when there is none, or it cannot be read. */
export function readFile(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
