/** The classes of a block's rows, as its header has them: each column is made when it is asked for. */
import { KINDS, OUTCOMES, STATUSES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import type { StoredWords, Taken } from './decode-column.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import { GRANULE_ROWS_MAX } from './zone.ts';

/** What all rows of a class agree in. Index: class. */
export interface ClassColumns {
  /** Among the shapes of the block or segment. */
  readonly shape: Uint32Array | Uint16Array;
  readonly operation: Uint32Array;
  readonly scope: Uint32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly outcome: Uint8Array;
  readonly flags: Uint8Array;
}

export interface StoredClasses extends ClassColumns {
  readonly count: number;
  readonly shape: Uint16Array;
}

/** As they are stored: each column is made when it is asked for, and throws DamagedPart then. */
export class PackedClasses implements StoredClasses {
  readonly count: number;
  readonly #taken: Taken;
  readonly #packed: Readonly<Record<keyof ClassColumns, PackedIntegers>>;
  readonly #shapes: number;
  readonly #made = new Map<keyof ClassColumns, Words>();

  constructor(source: PartSource, shapes: number, taken: Taken) {
    const count = source.loose.varint(GRANULE_ROWS_MAX);
    this.count = count;
    this.#taken = taken;
    this.#shapes = shapes;
    const read = () => new PackedIntegers(source, count);
    this.#packed = {
      shape: read(),
      operation: read(),
      scope: read(),
      kind: read(),
      status: read(),
      outcome: read(),
      flags: read(),
    };
  }

  get shape(): Uint16Array {
    return this.#column('shape', this.#shapes, Uint16Array);
  }
  get operation(): Uint32Array {
    return this.#column('operation', 2 ** 32, Uint32Array);
  }
  get scope(): Uint32Array {
    return this.#column('scope', 2 ** 32, Uint32Array);
  }
  get kind(): Uint8Array {
    return this.#column('kind', KINDS.length, Uint8Array);
  }
  get status(): Uint8Array {
    return this.#column('status', STATUSES.length, Uint8Array);
  }
  get outcome(): Uint8Array {
    return this.#column('outcome', OUTCOMES.length, Uint8Array);
  }
  get flags(): Uint8Array {
    return this.#column('flags', 256, Uint8Array);
  }

  #column<T extends Words>(name: keyof ClassColumns, below: number, type: new (values: Uint32Array) => T): T {
    const known = this.#made.get(name);
    if (known !== undefined) return known as T;
    const values = this.#packed[name].toArray();
    for (let index = 0; index < values.length; index++) {
      if (values[index]! >= below)
        throw new DamagedPart(`got ${values[index]} in a class, expected less than ${below}`);
    }
    const made = new type(values);
    this.#taken.bytes += made.byteLength;
    this.#made.set(name, made);
    return made;
  }
}

type Words = Uint32Array | Uint16Array | Uint8Array;

/** Classes taken apart by resource; each column is made when it is asked for. */
export class ResourceClasses implements StoredClasses {
  readonly count: number;
  readonly #classes: StoredClasses;
  readonly #resource: StoredWords;
  readonly #taken: Taken;
  readonly #made = new Map<Words, Words>();
  #resources: Uint32Array | null = null;

  constructor(classes: StoredClasses, resource: StoredWords, taken: Taken) {
    if (resource.listed === null) throw new DamagedPart('got resources that are not listed');
    this.count = resource.listed.count;
    this.#classes = classes;
    this.#resource = resource;
    this.#taken = taken;
  }

  get resource(): Uint32Array {
    return (this.#resources ??= this.#kept(this.#resource.listed!.toArray()));
  }
  get shape(): Uint16Array {
    return this.#column(this.#classes.shape, Uint16Array);
  }
  get operation(): Uint32Array {
    return this.#column(this.#classes.operation, Uint32Array);
  }
  get scope(): Uint32Array {
    return this.#column(this.#classes.scope, Uint32Array);
  }
  get kind(): Uint8Array {
    return this.#column(this.#classes.kind, Uint8Array);
  }
  get status(): Uint8Array {
    return this.#column(this.#classes.status, Uint8Array);
  }
  get outcome(): Uint8Array {
    return this.#column(this.#classes.outcome, Uint8Array);
  }
  get flags(): Uint8Array {
    return this.#column(this.#classes.flags, Uint8Array);
  }

  #column<T extends Words>(column: T, type: new (count: number) => T): T {
    let made = this.#made.get(column) as T | undefined;
    if (made === undefined)
      this.#made.set(column, (made = this.#kept(pick(column, this.#origin(), new type(this.count)))));
    return made;
  }

  #kept<T extends Words>(made: T): T {
    this.#taken.bytes += made.byteLength;
    return made;
  }

  /** Which class each was taken from. */
  #origin(): Uint32Array {
    const firsts = this.#resource.ranks!.starts.all;
    const classOf = new Uint32Array(this.count);
    for (let index = 0; index + 1 < firsts.length; index++) {
      classOf.fill(index, firsts[index], firsts[index + 1]);
    }
    return classOf;
  }
}

/** `values` at `indexes`, into `to`. */
export function pick<T extends Words>(values: ArrayLike<number>, indexes: Uint32Array, to: T): T {
  for (let index = 0; index < indexes.length; index++) to[index] = values[indexes[index]!]!;
  return to;
}
