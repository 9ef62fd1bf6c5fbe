/**
 * What verdicts say in full, those of many traces in one text: most of it stands in the others, too, so that a verdict takes
 * some 400 bytes instead of 2,500.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Connection } from './open-database.ts';
import { LeastRecent } from './read/least-recent.ts';

/** More make a text little smaller, and one of them slower to read. */
export const VERDICTS_TOGETHER = 64;
/** Of texts that were read last. */
const TEXT_BYTES_KEPT_MAX = 4_000_000;
/** A text that claims to be larger is damaged. */
const TEXT_BYTES_MAX = 256_000_000;

/** Each is JSON, and so one line. */
export function packVerdicts(verdicts: readonly string[]): Buffer {
  return zstdCompressSync(verdicts.join('\n'), {
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** Columns of a verdict's row. */
export interface VerdictPlace {
  /** Empty where a text has it: in stores of before version 4, none has. */
  readonly verdict_json: string;
  readonly text_id: number | null;
  readonly text_place: number | null;
}

/** Gives a verdict as JSON; null, which is said, when its text is damaged. */
export type VerdictTexts = (row: VerdictPlace) => string | null;

export function createVerdictTexts(database: Connection): VerdictTexts {
  const select = database
    .prepare<[number], Buffer>('SELECT data FROM verdict_text WHERE text_id = ?')
    .pluck();
  const kept = new LeastRecent<number, readonly string[]>(TEXT_BYTES_KEPT_MAX, (lines) =>
    lines.reduce((sum, { length }) => sum + length, 1),
  );

  function read(textId: number): readonly string[] {
    try {
      const data = select.get(textId);
      if (data === undefined) throw new Error('got none');
      return zstdDecompressSync(data, { maxOutputLength: TEXT_BYTES_MAX }).toString().split('\n');
    } catch (error) {
      console.error(`sockeye: text ${textId} of verdicts cannot be read:`, (error as Error).message);
      return [];
    }
  }

  return ({ verdict_json: json, text_id: textId, text_place: place }) =>
    textId === null ? json : (kept.get(textId, () => read(textId))[place!] ?? null);
}
