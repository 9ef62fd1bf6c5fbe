/** One colour per service, the same for everyone who opens the same trace: by name, collisions by sorted name. Pure. */

export const SERVICE_COLOURS = 10;

/** Service -> index of its `--service-N` token; beyond ten services colours repeat. */
export function assignServiceColours(services: Iterable<string>): Map<string, number> {
  const colours = new Map<string, number>();
  const taken = new Set<number>();
  for (const service of [...new Set(services)].toSorted()) {
    if (taken.size === SERVICE_COLOURS) taken.clear();
    let colour = hash(service) % SERVICE_COLOURS;
    while (taken.has(colour)) colour = (colour + 1) % SERVICE_COLOURS;
    taken.add(colour);
    colours.set(service, colour);
  }
  return colours;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
