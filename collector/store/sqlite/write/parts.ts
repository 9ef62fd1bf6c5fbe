/** What folding, merging and dropping blocks share, on one connection. */
import { readBlockRows } from '../block-rows.ts';
import type { Connection } from '../open-database.ts';
import { createDamage } from './damage.ts';
import { KeptFailures } from './kept-failures.ts';
import type { FoldParts } from './fold.ts';
import { createBlockTable } from './make-block.ts';
import { createOpenBlocks } from './open-blocks.ts';
import { createRollupWriter } from './rollups.ts';
import { createRowNames } from './row-names.ts';

export interface WriterParts extends FoldParts {
  /** What is remembered may be wrong: after a deletion. */
  forget(): void;
}

export function createWriterParts(database: Connection): WriterParts {
  const opened = createOpenBlocks(database);
  const rollups = createRollupWriter(database);
  const failures = new KeptFailures();
  return {
    database,
    opened,
    names: createRowNames(database),
    rollups,
    failures,
    damage: createDamage(database),
    blockRows: readBlockRows(database),
    blocks: createBlockTable(database),
    forget() {
      for (const cache of [opened, rollups, failures]) cache.forget();
    },
  };
}
