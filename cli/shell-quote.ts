const SAFE = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** One word of a POSIX shell. Words that need no quotes stay readable. */
function quoteWord(word: string): string {
  return SAFE.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command that can be pasted into a POSIX shell and means exactly these words. */
export function quoteCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}
