/** Writes a new file that has its name only when all of it is there and durable. */
import { existsSync, rmSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';

/** Of a file, or of standard output. */
export class CannotWrite extends Error {
  override readonly name = 'CannotWrite';
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Returns its bytes. Rejects with CannotWrite, or with what `pieces` throws; then nothing is left. */
export async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  if (existsSync(path)) {
    throw new CannotWrite(`${path}: got a file that is there already, expected a new one; choose another`);
  }
  const partial = `${path}.${process.pid}.partial`;
  const remove = (): void => rmSync(partial, { force: true });
  const onSignal = (signal: keyof typeof SIGNALS): void => {
    remove();
    process.exit(SIGNALS[signal]);
  };
  for (const signal of Object.keys(SIGNALS)) process.once(signal, onSignal);
  try {
    const bytes = await writeAll(partial, pieces);
    await rename(partial, path);
    return bytes;
  } catch (error) {
    remove();
    if (!isFileError(error)) throw error;
    throw new CannotWrite(
      `${path}: got ${error.message}, expected to write it; check its folder, rights and free space`,
    );
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
  }
}

async function writeAll(path: string, pieces: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'w');
  try {
    let bytes = 0;
    for await (const piece of pieces) {
      await file.writeFile(piece);
      bytes += piece.length;
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
