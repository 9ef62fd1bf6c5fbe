/**
 * Names and values of attributes with counts, for completion while typing: taken from the newest spans of the range,
 * so that the answer costs the same however much is stored.
 */
import type { AttributeValue, Attributes } from '../../../span.ts';
import type { Granule } from '../../columns/granule.ts';
import { numberOfCode, OPERATIONS } from '../../columns/operations.ts';
import { startMsOf } from '../../columns/span-table.ts';
import { Cancelled, type TimeRange } from '../../store.ts';
import type { Names } from './names.ts';
import type { TraceReader } from './traces.ts';
import { eachGranule, newestUnits, type OnDamage, type Unit } from './units.ts';

type Plain = string | number | boolean;

const SPANS_LOOKED_AT_MAX = 10_000;
/** Of a value that is offered: nobody types a longer one, and thousands of them may be large. */
const VALUE_CHARACTERS_MAX = 1_000;

export interface KeysWanted {
  readonly range: TimeRange;
  readonly prefix: string;
  readonly limit: number;
  /** Only those of spans, their events and links, or of resources. */
  readonly of?: 'span' | 'resource' | undefined;
}

export function createAttributeReader(reader: TraceReader, names: Names, onDamage: OnDamage) {
  /** Newest units first: a granule and its rows that start in the range. */
  function eachNewest(
    units: readonly Unit[],
    range: TimeRange,
    isCancelled: () => boolean,
    count: (granule: Granule, rows: readonly number[]) => void,
  ): void {
    let left = SPANS_LOOKED_AT_MAX;
    for (const unit of newestUnits(units, range)) {
      eachGranule(unit, onDamage, (granule) => {
        if (isCancelled()) throw new Cancelled('the caller went away');
        const rows = Array.from({ length: granule.rows }, (_, row) => row)
          .filter((row) => {
            const startMs = startMsOf(granule, row);
            return startMs >= range.fromUnixMs && startMs < range.toUnixMs;
          })
          .slice(0, left);
        count(granule, rows);
        left -= rows.length;
        return left > 0 ? 'more' : 'done';
      });
      if (left <= 0) return;
    }
  }

  /** Of the span itself, its events and links, by what its shape says; a span kept whole is decoded. */
  function spanKeys(granule: Granule, rowClass: number, row: number): string[] {
    const { steps } = granule.stored.shapes[granule.classes.shape[rowClass]!]!;
    if (isRaw(granule, row))
      return attributesOf(granule, row).flatMap((attributes) => [...attributes.keys()]);
    return steps.flatMap(({ code, key }) =>
      OPERATIONS[numberOfCode(code)]!.content === 'attribute' ? [key] : [],
    );
  }

  /** Of the resource, and of the scope. */
  function sharedOf(granule: Granule, row: number): Attributes[] {
    return [names.resource(granule.resource[row]!), names.scope(granule.scope[row]!)];
  }

  /** Those the span was sent with. */
  function attributesOf(granule: Granule, row: number): Attributes[] {
    const { attributes, events, links } = reader.span(granule, row);
    return [attributes, ...events.map((event) => event.attributes), ...links.map((link) => link.attributes)];
  }

  function valuesOf(granule: Granule, row: number, key: string): AttributeValue[] {
    if (isRaw(granule, row))
      return attributesOf(granule, row).flatMap((attributes) => present(attributes, key));
    return granule.stored.columns.flatMap(({ name }) => {
      if (name[1] !== '/' || name[3] !== '/' || name.slice(4) !== key) return [];
      const column = granule.column(name);
      const count = column?.countAt(row) ?? 0;
      return Array.from({ length: count }, (_, ordinal) =>
        column!.attributeAt(column!.indexAt(row, ordinal)),
      );
    });
  }

  return {
    readKeys(units: readonly Unit[], { range, prefix, limit, of }: KeysWanted, isCancelled: () => boolean) {
      const counts = new Map<string, number>();
      eachNewest(units, range, isCancelled, (granule, rows) => {
        const ofClass = new Map<number, ReadonlySet<string>>();
        for (const row of rows) {
          const rowClass = granule.classes.of[row]!;
          let keys = isRaw(granule, row) ? undefined : ofClass.get(rowClass);
          if (keys === undefined) {
            const shared = of === 'span' ? [] : sharedOf(granule, row).slice(0, of === 'resource' ? 1 : 2);
            const all = shared.flatMap((attributes) => [...attributes.keys()]);
            if (of !== 'resource') all.push(...spanKeys(granule, rowClass, row));
            keys = new Set(all.filter((key) => key.startsWith(prefix)));
            ofClass.set(rowClass, keys);
          }
          for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      });
      return mostFrequent(counts, limit).map(([key, count]) => ({ key, count }));
    },

    readValues(
      units: readonly Unit[],
      range: TimeRange,
      { key, prefix, limit }: { key: string; prefix: string; limit: number },
      isCancelled: () => boolean,
    ) {
      const counts = new Map<Plain, number>();
      eachNewest(units, range, isCancelled, (granule, rows) => {
        for (const row of rows) {
          const shared = sharedOf(granule, row).flatMap((attributes) => present(attributes, key));
          const values = new Set([...valuesOf(granule, row, key), ...shared].flatMap(shown));
          for (const value of values) {
            if (String(value).startsWith(prefix)) counts.set(value, (counts.get(value) ?? 0) + 1);
          }
        }
      });
      return mostFrequent(counts, limit).map(([value, count]) => ({ value, count }));
    },
  };
}

function isRaw(granule: Granule, row: number): boolean {
  const { steps } = granule.stored.shapes[granule.shape[row]!]!;
  return OPERATIONS[numberOfCode(steps[0]!.code)]!.content === 'raw';
}

function present(attributes: Attributes, key: string): AttributeValue[] {
  const value = attributes.get(key);
  return value === undefined ? [] : [value];
}

/** Values that can be typed; of an array, its elements. */
function shown(value: AttributeValue): Plain[] {
  if (Array.isArray(value)) return value.flatMap(shown);
  if (typeof value === 'bigint') return [String(value)];
  if (typeof value === 'string') return value.length <= VALUE_CHARACTERS_MAX ? [value] : [];
  return typeof value === 'number' || typeof value === 'boolean' ? [value] : [];
}

/** Equally frequent ones by name. */
function mostFrequent<T extends Plain>(counts: ReadonlyMap<T, number>, limit: number): [T, number][] {
  return [...counts]
    .toSorted(([a, countOfA], [b, countOfB]) => countOfB - countOfA || compareText(String(a), String(b)))
    .slice(0, limit);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
