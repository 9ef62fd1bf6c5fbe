/** Work that nobody waits for is done when what they wait for is on the screen. */

/**
 * Runs it when the next painting is on the screen, which is when the frame after it begins. A page that is not looked at
 * paints nothing, and waits. Returns how to leave it.
 */
export function afterPaint(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame = requestAnimationFrame(() => {
    frame = requestAnimationFrame(() => (timer = setTimeout(run)));
  });
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}
