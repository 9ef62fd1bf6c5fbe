/**
 * Lists that are entered and left by a few writes, whatever their length: a ring of links, in which the list itself is the
 * link between its last and its first. A `Map` of what comes and goes makes itself a new table again and again.
 */
export class Link {
  previous: Link = this;
  next: Link = this;
}

export function append(ring: Link, link: Link): void {
  const last = ring.previous;
  link.previous = last;
  link.next = ring;
  last.next = link;
  ring.previous = link;
}

/** The link keeps no other alive. One that is in no ring stays so. */
export function unlink(link: Link): void {
  link.previous.next = link.next;
  link.next.previous = link.previous;
  link.previous = link.next = link;
}
