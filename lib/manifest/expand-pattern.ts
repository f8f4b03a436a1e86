import { MAX_URL_BYTES } from '../contract/limits.ts';
import { type Problem, problem } from '../contract/problem.ts';

/**
 * Patterns in URLs, as shells write them: `{0001..2000}`, `{0..100..10}`, `{a..z}`, `{a,b}`, nested, and several as their
 * product, the leftmost changing slowest. Braces that are no pattern stay as they are; `%7B` never is one. A pattern is
 * counted without being written out, and its n-th text made without the ones before it.
 */
export interface Pattern {
  /** Exact up to 2^53, and never too small beyond. */
  readonly count: number;
  /** @param index 0 ≤ index < count */
  readonly at: (index: number) => string;
}

export type ReadPattern = { readonly pattern: Pattern | undefined } | { readonly problem: Problem };

/** Numbers of a range have at most so many digits: then all sums stay exact. */
const MAX_DIGITS = 15;
/** Braces within braces; deeper ones make the pattern a problem. */
const MAX_DEPTH = 16;
const RANGE = /^(?:(-?\d+)\.\.(-?\d+)|([a-z])\.\.([a-z])|([A-Z])\.\.([A-Z]))(?:\.\.(-?\d+))?$/;

/** The pattern of a URL; none where it is nothing but text. */
export function readPattern(text: string): ReadPattern {
  // What is too long for a URL is called so, and costs no time.
  if (!text.includes('{') || text.length > MAX_URL_BYTES) return { pattern: undefined };
  // In a URL a backslash is a slash: it would be another one than anybody means.
  if (/\\[{}]/.test(text)) {
    const why = 'a backslash does not make a brace literal; write %7B for { and %7D for }';
    return { problem: problem('url', 'a pattern', why, 'UrlRefused') };
  }
  try {
    const pattern = sequence(text, 0);
    return { pattern: pattern.isPlain ? undefined : pattern };
  } catch (error) {
    if (error instanceof BadPattern) return { problem: problem('url', 'a pattern', error.message, 'UrlRefused') };
    throw error;
  }
}

class BadPattern extends Error {}

interface Node extends Pattern {
  /** One text, and no braces that meant anything. */
  readonly isPlain: boolean;
}

function sequence(text: string, depth: number): Node {
  const nodes: Node[] = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    const end = text[at] === '{' ? closing(text, at) : undefined;
    const node = end === undefined ? undefined : braces(text.slice(at + 1, end), depth + 1);
    if (end === undefined || node === undefined) {
      plain += text[at];
      at += 1;
      continue;
    }
    nodes.push(literal(plain), node);
    plain = '';
    at = end + 1;
  }
  return product([...nodes, literal(plain)]);
}

/** Where the brace that opens at `from` closes. */
function closing(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return undefined;
}

/** What stands between braces; undefined where it is no pattern. */
function braces(inside: string, depth: number): Node | undefined {
  if (depth > MAX_DEPTH) throw new BadPattern(`patterns stand within each other at most ${MAX_DEPTH} deep`);
  const found = RANGE.exec(inside);
  if (found) return range(found);
  const choices = split(inside);
  return choices.length < 2 ? undefined : choice(choices.map((text) => sequence(text, depth)));
}

/** At commas that stand in no inner braces. */
function split(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (text[at] !== ',' || depth > 0) continue;
    found.push(text.slice(from, at));
    from = at + 1;
  }
  return [...found, text.slice(from)];
}

function literal(text: string): Node {
  return { count: 1, at: () => text, isPlain: true };
}

function range([whole, fromNumber, toNumber, fromSmall, toSmall, fromLarge, toLarge, by = '1']: RegExpExecArray): Node {
  const step = Math.abs(Number(by));
  if (step === 0) throw new BadPattern(`the step of {${whole}} is 0`);
  if (
    [fromNumber, toNumber, by].some((number) => number !== undefined && number.replace('-', '').length > MAX_DIGITS)
  ) {
    throw new BadPattern(`the numbers of a range have at most ${MAX_DIGITS} digits`);
  }
  if (fromNumber !== undefined && toNumber !== undefined) {
    const isPadded = [fromNumber, toNumber].some((number) => /^-?0\d/.test(number));
    const width = isPadded ? Math.max(fromNumber.length, toNumber.length) : 0;
    return steps(Number(fromNumber), Number(toNumber), step, (value) => padded(value, width));
  }
  const [from = '', to = ''] = fromSmall === undefined ? [fromLarge, toLarge] : [fromSmall, toSmall];
  return steps(from.charCodeAt(0), to.charCodeAt(0), step, (value) => String.fromCharCode(value));
}

/** As bash counts: the sign of the step is that of the way from one end to the other. */
function steps(from: number, to: number, step: number, write: (value: number) => string): Node {
  const direction = to < from ? -step : step;
  return {
    count: Math.floor(Math.abs(to - from) / step) + 1,
    at: (index) => write(from + index * direction),
    isPlain: false,
  };
}

function padded(value: number, width: number): string {
  return value < 0 ? `-${String(-value).padStart(width - 1, '0')}` : String(value).padStart(width, '0');
}

function choice(nodes: readonly Node[]): Node {
  return {
    count: nodes.reduce((sum, { count }) => sum + count, 0),
    at: (index) => {
      let left = index;
      for (const node of nodes) {
        if (left < node.count) return node.at(left);
        left -= node.count;
      }
      return '';
    },
    isPlain: false,
  };
}

function product(nodes: readonly Node[]): Node {
  return {
    count: nodes.reduce((times, { count }) => times * count, 1),
    at: (index) => {
      let left = index;
      let text = '';
      for (const { count, at } of nodes.toReversed()) {
        text = at(left % count) + text;
        left = Math.floor(left / count);
      }
      return text;
    },
    isPlain: nodes.every(({ isPlain }) => isPlain),
  };
}
