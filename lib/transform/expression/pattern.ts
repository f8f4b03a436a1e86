import { RE2JS } from 're2js';
import { syntaxError } from './tokens.ts';

/**
 * Patterns in RE2's syntax, matched in time linear in the text whatever the pattern: no back references, no look-around.
 * A pattern is found anywhere in the text unless it is anchored with ^ and $.
 */
/** Steps of the compiled pattern; each character may cost as many. */
const MAX_STEPS = 2_000;

/** @throws SkyhaulError `BatchInvalid` with the position */
export function compilePattern(pattern: string, at: number, where: string): (text: string) => boolean {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /u, '') : 'not readable';
    throw syntaxError(where, at, 'a pattern in RE2 syntax', why);
  }
  const steps = compiled.programSize();
  if (steps > MAX_STEPS) throw syntaxError(where, at, `a pattern of at most ${MAX_STEPS} steps`, `${steps}`);
  return (text) => compiled.test(text);
}
