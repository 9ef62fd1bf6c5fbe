/**
 * A few words to write JSON Schemas with. `object<T>` takes exactly the properties of the wire type `T`, so that
 * the compiler finds a schema that no longer says what wire.ts says.
 */
export type Schema = { readonly [keyword: string]: unknown };

type OptionalKeys<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T];

export const text: Schema = { type: 'string' };
export const number: Schema = { type: 'number' };
export const integer: Schema = { type: 'integer' };
export const boolean: Schema = { type: 'boolean' };
export const time: Schema = { type: 'string', format: 'date-time' };
export const anything: Schema = {};

export function object<T>(
  properties: { [K in keyof T]-?: Schema },
  ...optional: OptionalKeys<T>[]
): Schema & { readonly properties: { readonly [name: string]: Schema } } {
  const names = Object.keys(properties);
  return {
    type: 'object',
    properties,
    required: names.filter((name) => !optional.some((other) => other === name)),
  };
}

export function list(items: Schema): Schema {
  return { type: 'array', items };
}

export function dictionary(values: Schema): Schema {
  return { type: 'object', additionalProperties: values };
}

export function nullable(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] };
}

export function words<Word extends string>(...choices: readonly Word[]): Schema {
  return { enum: choices };
}

/** A schema of components.schemas. */
export function named(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** What a query or path parameter looks like; it is documentation and the list of what a route accepts. */
export interface Parameter {
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
}
