import { SkyhaulError } from '../../errors/skyhaul-error.ts';
import { MAX_CONDITION } from './syntax.ts';

/**
 * Text into words, names, texts, patterns, numbers and signs, each with its position (from 1, in characters). Refuses
 * with `BatchInvalid` whatever it does not know; nothing is skipped or repaired.
 */
export type Token = { readonly at: number; readonly found: string } & (
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pattern'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'sign'; readonly text: string }
  | { readonly kind: 'end' }
);

/** No alternative can begin where another one goes on, so each character is looked at a bounded number of times. */
const TOKEN = new RegExp(
  [
    /(?<word>[\p{L}_$@][\p{L}\p{M}\p{N}_$@-]*)/u,
    /`(?<name>(?:[^`]|``)+)`/u,
    /'(?<single>(?:[^'\\]|\\.)*)'/u,
    /"(?<double>(?:[^"\\]|\\.)*)"/u,
    /\/(?<pattern>(?:[^/\\]|\\.)+)\//u,
    /(?<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\p{L}\p{N}_$@.])/u,
    /(?<sign><=|>=|!=|==|[=<>(),.[\]])/u,
  ]
    .map(({ source }) => source)
    .join('|'),
  'suy',
);
const BLANKS = /\s*/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\', "'": "'", '"': '"' };
const MAX_SHOWN = 30;

/**
 * @param where the option that holds the text, for the message
 * @throws SkyhaulError `BatchInvalid` with the position
 */
export function readTokens(source: string, where: string): Token[] {
  if (source.length > MAX_CONDITION) {
    throw syntaxError(where, MAX_CONDITION + 1, `at most ${MAX_CONDITION} characters`, `${source.length}`);
  }
  const tokens: Token[] = [];
  for (let at = skipBlanks(source, 0); ; at = skipBlanks(source, TOKEN.lastIndex)) {
    if (at === source.length) return [...tokens, { kind: 'end', at: at + 1, found: 'the end' }];
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (!match) throw syntaxError(where, at + 1, expectedAt(source, at), shown(source.slice(at)));
    tokens.push(toToken(match, where));
  }
}

/** One sentence for every mistake: where, what was expected, what stands there. */
export function syntaxError(where: string, at: number, expected: string, found: string): SkyhaulError {
  const text = `\`${where}\`, position ${at}: expected ${expected}, found ${found}`;
  return new SkyhaulError('BatchInvalid', text, { problems: [text] });
}

function toToken(match: RegExpExecArray, where: string): Token {
  const at = match.index + 1;
  const found = shown(match[0]);
  const { word, name, single, double, pattern, number, sign = '' } = match.groups ?? {};
  if (word !== undefined) return { kind: 'word', at, found, text: word };
  if (name !== undefined) return { kind: 'name', at, found, text: name.replaceAll('``', '`') };
  const quoted = single ?? double;
  if (quoted !== undefined) return { kind: 'text', at, found, text: readEscapes(quoted, at + 1, where) };
  if (pattern !== undefined) return { kind: 'pattern', at, found, text: pattern };
  if (number === undefined) return { kind: 'sign', at, found, text: sign };
  const value = Number(number);
  if (!Number.isFinite(value)) throw syntaxError(where, at, 'a number that fits into 64 bits', found);
  return { kind: 'number', at, found, value };
}

function readEscapes(quoted: string, at: number, where: string): string {
  return quoted.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/gsu, (all, hex?: string, letter = '', offset = 0) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    const escaped = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (escaped === undefined) {
      throw syntaxError(
        where,
        at + offset,
        'one of \\\\ \\\' \\" \\n \\r \\t \\uXXXX (a pattern may stand between slashes)',
        all,
      );
    }
    return escaped;
  });
}

function skipBlanks(source: string, at: number): number {
  BLANKS.lastIndex = at;
  BLANKS.exec(source);
  return BLANKS.lastIndex;
}

function expectedAt(source: string, at: number): string {
  const first = source.charAt(at);
  if (first === "'" || first === '"') return `a closing ${first}`;
  if (first === '`') return 'a name between backticks';
  if (first === '/') return 'a pattern that ends with /';
  return 'a name, a value or an operator';
}

function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}
