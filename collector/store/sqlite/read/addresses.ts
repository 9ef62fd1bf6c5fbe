/** Which service answers behind an address, where that is one service. */
import type { Connection } from '../open-database.ts';

/** An address that another service answered behind this recently is shared, and tells nothing. */
const ADDRESS_SHARED_MS = 15 * 60_000;

export interface AddressServices {
  all(): ReadonlyMap<string, string>;
  some(addresses: readonly string[]): Map<string, string>;
  one(address: string): string | null;
  /** The services behind the addresses that calls name so, null among them where one is not known; two tell that it is not one. */
  behindName(name: string): (string | null)[];
}

export function createAddressReader(database: Connection): AddressServices {
  const select = `SELECT address, service FROM address_service AS known
    WHERE NOT EXISTS (
      SELECT 1 FROM address_service AS other WHERE other.address = known.address AND other.service <> known.service
        AND other.last_seen_unix_ms > known.last_seen_unix_ms - ${ADDRESS_SHARED_MS})`;
  const everyAddress = database.prepare<[], { address: string; service: string }>(select);
  const oneAddress = database.prepare<[string], { service: string }>(`${select} AND known.address = ?`);
  const ofName = database
    .prepare<[string], string | null>(
      // Each address by its index: put into a join, all that are remembered would be gone through.
      `SELECT DISTINCT (SELECT service FROM (${select}) WHERE address = peer.address) FROM peer WHERE name = ? LIMIT 2`,
    )
    .pluck();
  const one = (address: string): string | null => oneAddress.get(address)?.service ?? null;
  return {
    all: () => new Map(everyAddress.all().map(({ address, service }) => [address, service])),
    some: (addresses) =>
      new Map(
        addresses.flatMap((address) => {
          const service = one(address);
          return service === null ? [] : [[address, service] as const];
        }),
      ),
    one,
    behindName: (name) => ofName.all(name),
  };
}
