/** One line at the bottom of the page that says what was just done; also read out. */

let text = $state('');
let timer: ReturnType<typeof setTimeout> | null = null;

export const notice = {
  get text(): string {
    return text;
  },
};

export function say(message: string): void {
  text = message;
  if (timer !== null) clearTimeout(timer);
  timer = setTimeout(() => (text = ''), 4000);
}

/** Copies, and says so; the clipboard is missing on plain http beyond localhost. */
export async function copyText(value: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(value);
    say(`${what} copied.`);
  } catch {
    const area = document.createElement('textarea');
    area.value = value;
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    say(copied ? `${what} copied.` : `The browser refused to copy. ${what}: ${value}`);
  }
}
