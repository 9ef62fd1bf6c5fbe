/** What the numbers in rows stand for, as sums ask for it: what cannot be read keeps no others from being counted. */
import { serviceOf, textAttribute } from '../../../span.ts';
import type { RowNames } from '../../rollup/tally.ts';
import type { Connection } from '../open-database.ts';
import { createNames } from '../read/names.ts';

/** A number never comes to stand for something else. */
export function createRowNames(database: Connection): RowNames {
  const said = new Set<string>();
  const { service, peer, resource } = createNames(database, (what) => {
    if (said.has(what)) return;
    said.add(what);
    console.error(`sockeye: the store is damaged: ${what}; sums go without`);
  });
  return {
    service,
    edgeKind: (id) => peer(id).edgeKind,
    version(id) {
      const attributes = resource(id);
      const version = textAttribute(attributes, 'service.version');
      return version === null ? null : { service: serviceOf({ resource: { attributes } }), version };
    },
  };
}
