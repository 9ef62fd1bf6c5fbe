/**
 * Checks a value against the part of JSON Schema that the API's description uses. A property that the schema does not
 * name is a fault too: here the question is whether answer and description say the same.
 */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly format?: string;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** Every difference, as `$.path: what`; empty when there is none. */
export function faultsOf(
  value: unknown,
  schema: Schema,
  components: Readonly<Record<string, Schema>>,
  path = '$',
): string[] {
  const check = (part: unknown, inner: Schema, step: string) =>
    faultsOf(part, inner, components, path + step);
  if (schema.$ref !== undefined) {
    const named = components[schema.$ref.split('/').at(-1) ?? ''];
    return named === undefined ? [`${path}: no schema ${schema.$ref}`] : check(value, named, '');
  }
  if (schema.anyOf !== undefined) {
    const faults = schema.anyOf.map((choice) => check(value, choice, ''));
    return faults.some((list) => list.length === 0) ? [] : faults.flat();
  }
  if (schema.enum !== undefined) {
    return schema.enum.includes(value) ? [] : [`${path}: ${JSON.stringify(value)} is not in the enum`];
  }
  if (schema.type !== undefined && !isOfType(value, schema.type)) {
    return [`${path}: ${JSON.stringify(value)?.slice(0, 80)} is not of type ${schema.type}`];
  }
  if (schema.format === 'date-time' && !RFC_3339.test(String(value))) {
    return [`${path}: ${String(value)} is not an RFC 3339 time`];
  }
  if (Array.isArray(value)) {
    return schema.items === undefined
      ? []
      : value.flatMap((item, index) => check(item, schema.items!, `[${index}]`));
  }
  if (schema.type !== 'object' || (!schema.properties && !schema.additionalProperties)) return [];
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value as object, name));
  return [
    ...missing.map((name) => `${path}.${name}: missing`),
    ...Object.entries(value as object).flatMap(([name, item]) => {
      const inner = schema.properties?.[name] ?? schema.additionalProperties;
      return inner === undefined ? [`${path}.${name}: not described`] : check(item, inner, `.${name}`);
    }),
  ];
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type && (type !== 'number' || Number.isFinite(value));
}
