/** A number given as a flag; throws with what was got and expected when it is none, or below `least`. */
export function readNumber(flag: string, text: string, least = 1): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= least) || !Number.isFinite(value)) {
    throw new Error(`--${flag}: got "${text}", expected a number of at least ${least}`);
  }
  return value;
}
