/** Parses OTLP JSON, whose 64-bit integers may stand there as numbers, without rounding them. Pure. */
import { DecodeError } from './decode-error.ts';

/** An integer that `JSON.parse` would round; strings may hold such digits too, which costs only time. */
const LONG_INTEGER = /[[:,\s]-?\d{16,}/;
const LONG_DIGITS = 16;
const [QUOTE, BACKSLASH, DIGIT_0, DIGIT_9] = [0x22, 0x5c, 0x30, 0x39];

/** Integers that are too long for a number are strings. Throws DecodeError. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(LONG_INTEGER.test(text) ? quoteLongIntegers(text) : text);
  } catch (error) {
    throw new DecodeError('OTLP JSON', (error as Error).message, 'a JSON document');
  }
}

/** Long integers as the specification writes them; a reviver sees their digits too, for eighty bytes of every value. */
function quoteLongIntegers(text: string): string {
  let quoted = '';
  let copied = 0;
  let digits = 0;
  let isString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isString) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) isString = false;
    } else if (code >= DIGIT_0 && code <= DIGIT_9) digits++;
    else {
      if (digits >= LONG_DIGITS) {
        const start = at - digits - (text[at - digits - 1] === '-' ? 1 : 0);
        // Neither part of a fraction or an exponent nor what JSON refuses.
        if (
          /[[:,\s]/.test(text[start - 1] ?? '') &&
          /[\s,\]}]/.test(text[at]!) &&
          text[at - digits] !== '0'
        ) {
          quoted += `${text.slice(copied, start)}"${text.slice(start, at)}"`;
          copied = at;
        }
      }
      digits = 0;
      isString = code === QUOTE;
    }
  }
  return quoted + text.slice(copied);
}
