/** Asks about each number once: numbers of operations, resources and the like are small, and come again and again. */
export function rememberByNumber(ask: (number: number) => boolean): (number: number) => boolean {
  const answers: (boolean | undefined)[] = [];
  return (number) => (answers[number] ??= ask(number));
}
