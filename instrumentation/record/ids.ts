/** Random ids of traces and spans, as hex: cut from pools of random bytes, which costs a hundredth of asking for 8 at a time. */
const poolBytes = 4096;
const traceIdLength = 32;
const spanIdLength = 16;

let pool = '';
let position = 0;

function take(length: number): string {
  if (position + length > pool.length) {
    // Loaded at the first span: it takes some milliseconds, which no program's start should be made of.
    pool = process.getBuiltinModule('node:crypto').randomBytes(poolBytes).toString('hex');
    position = 0;
  }
  const id = pool.slice(position, position + length);
  position += length;
  return id;
}

export const newTraceId = (): string => take(traceIdLength);
export const newSpanId = (): string => take(spanIdLength);
