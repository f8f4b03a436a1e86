/**
 * Which list the arguments name: a path or s3:// URI, standard input, URLs, or none (then a run is continued). A mixture
 * is refused instead of guessed, and so are schemes that Skyhaul does not speak.
 */
export type ListArgument =
  | { readonly kind: 'none' }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'manifest'; readonly path: string }
  | { readonly kind: 'urls'; readonly urls: readonly string[] };

const HTTP = /^https?:\/\//i;
const SCHEME = /^([a-z][a-z0-9+.-]+):\/\//i;

export function readListArgument(words: readonly string[]): ListArgument | { readonly problem: string } {
  const urls = words.filter((word) => HTTP.test(word));
  const [first] = words;
  if (first === undefined) return { kind: 'none' };
  if (urls.length === words.length) return { kind: 'urls', urls };
  if (urls.length > 0) return { problem: 'give URLs or one list, not both' };
  if (words.length > 1) return { problem: `give one list, found ${words.length}` };
  if (first === '-') return { kind: 'stdin' };

  const scheme = SCHEME.exec(first)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 's3') {
    return { problem: `${scheme}: is not supported; URLs are http or https, a list is a path, s3:// or -` };
  }
  return first === '' ? { problem: 'the path of the list is empty' } : { kind: 'manifest', path: first };
}
