/**
 * Puts a method over one that an object has or inherits. What is inherited is looked up with each call: the program, or `domain`
 * when it is loaded late, may replace it at any time, also for objects that the hook has touched before.
 */
type Method = (...args: never[]) => unknown;
type Holder = Record<string, Method>;

/** Gives the object that has the method below, at each time. Not enumerable: a program that copies or prints it sees no difference. */
export function putOver<Name extends string, Owner extends Record<Name, Method>>(
  object: Owner,
  name: Name,
  method: Owner[Name],
): Readonly<Pick<Owner, Name>> {
  const below =
    Object.hasOwn(object, name) && !inheriting.has(object[name])
      ? ({ [name]: object[name] } as Pick<Owner, Name>)
      : (Object.getPrototypeOf(object) as Owner);
  Object.defineProperty(object, name, { configurable: true, writable: true, value: method });
  return below;
}

/**
 * The object's own method again, or one that calls what is inherited. Not deleted: V8 would then search for each property of the
 * object whenever it is used.
 */
export function takeOff<Name extends 'emit' | '_writeGeneric'>(
  object: Record<Name, Method>,
  name: Name,
  below: Readonly<Record<Name, Method>>,
): void {
  object[name] = Object.getPrototypeOf(object) === below ? inherited[name] : below[name];
}

const inherited = { emit: callInherited('emit'), _writeGeneric: callInherited('_writeGeneric') };
const inheriting = new Set<Method>(Object.values(inherited));

/** One for all objects. */
function callInherited(name: string): Method {
  return function method(this: unknown): unknown {
    let holder = Object.getPrototypeOf(this) as Holder;
    // What inherits from such an object finds this function there.
    while (holder[name] === method) holder = Object.getPrototypeOf(holder) as Holder;
    return Reflect.apply(holder[name]!, this, arguments) as unknown;
  };
}
