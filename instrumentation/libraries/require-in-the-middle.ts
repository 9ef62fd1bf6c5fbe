/**
 * Stands in for the package of this name in the bundles: an instrumentation constructs a `Hook` to be told of modules.
 *
 * The package would replace `require` itself; here the modules come from `watch-modules.ts`.
 */
type OnRequire = (exports: unknown, name: string, baseDir: string) => unknown;

const listeners: OnRequire[] = [];

/** A constructor, as in the package. */
export function Hook(_modules: unknown, _options: unknown, onRequire: OnRequire): void {
  listeners.push(onRequire);
}

/** The module's exports, patched by the instrumentations that want this one. */
export function patchExports(exports: unknown, name: string, baseDir: string): unknown {
  return listeners.reduce((patched, onRequire) => onRequire(patched, name, baseDir), exports);
}
