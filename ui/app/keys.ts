/**
 * Keyboard bindings: single keys (`e`, `?`), sequences (`g m`), and modified keys (`Ctrl+K`).
 * Each view registers its own while it is shown; the help overlay lists what is registered.
 */

export interface Binding {
  /** As shown in the help: `g m`, `Ctrl+K`, `ArrowDown`, `N`. */
  readonly keys: string;
  readonly does: string;
  readonly run: (event: KeyboardEvent) => void;
  /** Also while the focus is in a text field. */
  readonly inText?: boolean;
}

/** How long the first key of a sequence waits for the second. */
const SEQUENCE_MS = 1000;

/** `Ctrl+K`, `Shift+ArrowDown`, `N`: the name of one key press. Shift shows in the character itself. */
export function keyName(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
): string {
  if (event.ctrlKey || event.metaKey) return `Ctrl+${event.key.toUpperCase()}`;
  if (event.altKey) return `Alt+${event.key}`;
  return event.shiftKey && event.key.length > 1 ? `Shift+${event.key}` : event.key;
}

/** What a press means after an earlier one: a whole binding, the beginning of one, or nothing. */
export function matchKeys(
  bindings: readonly Binding[],
  pending: string,
  key: string,
): { readonly binding: Binding | null; readonly pending: string } {
  // Later bindings win: a view may give a key its own meaning.
  const find = (keys: string) => bindings.findLast((binding) => binding.keys === keys) ?? null;
  const sequence = pending === '' ? null : find(`${pending} ${key}`);
  const binding = sequence ?? find(key);
  if (binding) return { binding, pending: '' };
  const begins = bindings.some((other) => other.keys.startsWith(`${key} `));
  return { binding: null, pending: begins ? key : '' };
}

const registered: { readonly title: string; readonly bindings: readonly Binding[] }[] = [];

/** Registers bindings under a title; returns how to take them away again. */
export function bindKeys(title: string, bindings: readonly Binding[]): () => void {
  const group = { title, bindings };
  registered.push(group);
  return () => void registered.splice(registered.indexOf(group), 1);
}

export function boundKeys(): readonly { readonly title: string; readonly bindings: readonly Binding[] }[] {
  return registered;
}

let pending = '';
let pendingAt = 0;

function isText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** The one keydown listener of the page. */
export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  // A dialog has its own keys.
  if (event.target instanceof Element && event.target.closest('dialog')) return;
  if (event.timeStamp - pendingAt > SEQUENCE_MS) pending = '';
  const bindings = registered.flatMap((group) => group.bindings);
  const usable = isText(event.target) ? bindings.filter((binding) => binding.inText) : bindings;
  const match = matchKeys(usable, pending, keyName(event));
  pending = match.pending;
  pendingAt = event.timeStamp;
  if (!match.binding) return;
  event.preventDefault();
  match.binding.run(event);
}
