/**
 * Text for a terminal. Keys and messages come from lists and servers: nothing of them may move the cursor, change
 * colours or turn the reading direction, and no line may be wider than the terminal.
 */
// C0, DEL, C1; zero-width and direction marks; line separators.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function plainText(text: string): string {
  return text.replace(UNSAFE, '·');
}

/** Columns of a character, never too few: everything from Hangul on may be wide (Unicode TR11, W and F). */
function widthOf(character: string): number {
  return (character.codePointAt(0) ?? 0) >= 0x1100 && !/[\u2000-\u2e7f]/.test(character) ? 2 : 1;
}

export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** At most `columns` wide; what is too long loses its middle, because both ends of a key tell files apart. */
export function fitText(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  if (columns < 1) return '';
  const characters = Array.from(text);
  const tail = takeWidth(characters.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  const head = takeWidth(characters, columns - 1 - columnsOf(tail.join('')));
  return `${head.join('')}…${tail.join('')}`;
}

export function padText(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

function takeWidth(characters: readonly string[], columns: number): string[] {
  const taken: string[] = [];
  let used = 0;
  for (const character of characters) {
    used += widthOf(character);
    if (used > columns) break;
    taken.push(character);
  }
  return taken;
}
