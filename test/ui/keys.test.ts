import { afterEach, describe, expect, it, vi } from 'vitest';
import { bindKeys, boundKeys, handleKey, keyName, matchKeys, type Binding } from '../../ui/app/keys.ts';

const binding = (keys: string, extra: Partial<Binding> = {}): Binding => ({
  keys,
  does: keys,
  run: vi.fn<() => void>(),
  ...extra,
});
const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

describe('the name of a key', () => {
  it.each([
    [{ key: 'e' }, 'e'],
    [{ key: 'E', shiftKey: true }, 'E'],
    [{ key: '?', shiftKey: true }, '?'],
    [{ key: 'k', ctrlKey: true }, 'Ctrl+K'],
    [{ key: 'k', metaKey: true }, 'Ctrl+K'],
    [{ key: 'ArrowDown', shiftKey: true }, 'Shift+ArrowDown'],
    [{ key: 'Escape' }, 'Escape'],
  ])('of %o is %s', (event, name) => {
    expect(keyName({ ...plain, ...event })).toBe(name);
  });
});

describe('a key', () => {
  const bindings = [binding('g m'), binding('m'), binding('e')];

  it('begins a sequence and ends it', () => {
    expect(matchKeys(bindings, '', 'g')).toEqual({ binding: null, pending: 'g' });
    expect(matchKeys(bindings, 'g', 'm').binding?.keys).toBe('g m');
    expect(matchKeys(bindings, '', 'm').binding?.keys).toBe('m');
  });

  it('that does not continue a sequence stands for itself', () => {
    expect(matchKeys(bindings, 'g', 'e').binding?.keys).toBe('e');
    expect(matchKeys(bindings, 'g', 'x')).toEqual({ binding: null, pending: '' });
  });

  it('means what was bound last', () => {
    const own = binding('e');
    expect(matchKeys([...bindings, own], '', 'e').binding).toBe(own);
  });
});

describe('the keyboard', () => {
  const unbind: (() => void)[] = [];
  afterEach(() => {
    for (const undo of unbind.splice(0)) undo();
    document.body.replaceChildren();
  });
  function press(key: string, target: Element = document.body, init: KeyboardEventInit = {}): KeyboardEvent {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init });
    target.addEventListener('keydown', (heard) => handleKey(heard as KeyboardEvent), { once: true });
    target.dispatchEvent(event);
    return event;
  }

  it('runs what is bound and keeps the browser from acting on it', () => {
    const next = binding('e');
    unbind.push(bindKeys('Trace', [next]));
    expect(press('e').defaultPrevented).toBe(true);
    expect(next.run).toHaveBeenCalledOnce();
    expect(press('x').defaultPrevented).toBe(false);
  });

  it('leaves text fields alone, except for what is meant for them', () => {
    const next = binding('e');
    const palette = binding('Ctrl+K', { inText: true });
    unbind.push(bindKeys('Everywhere', [next, palette]));
    const field = document.createElement('input');
    document.body.append(field);
    press('e', field);
    press('k', field, { ctrlKey: true });
    expect(next.run).not.toHaveBeenCalled();
    expect(palette.run).toHaveBeenCalledOnce();
  });

  it('belongs to a dialog while the focus is in it', () => {
    const next = binding('e');
    unbind.push(bindKeys('Trace', [next]));
    const dialog = document.createElement('dialog');
    document.body.append(dialog);
    press('e', dialog);
    expect(next.run).not.toHaveBeenCalled();
  });

  it('forgets what is taken away', () => {
    const undo = bindKeys('Trace', [binding('e')]);
    expect(boundKeys()).toHaveLength(1);
    undo();
    expect(boundKeys()).toHaveLength(0);
  });
});
