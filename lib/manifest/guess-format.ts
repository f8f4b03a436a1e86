import type { ManifestFormat } from './manifest-format.ts';

/**
 * The format of a list that has no name, from its first bytes. Only what is plain is guessed: a brace begins JSON Lines,
 * a URL or comment begins a text list, a header line with tabs or commas begins a table.
 */
export function guessFormat(head: Uint8Array): ManifestFormat {
  const text = new TextDecoder().decode(head).trimStart();
  const firstLine = text.split(/[\r\n]/, 1)[0] ?? '';
  if (firstLine.startsWith('{')) return 'jsonl';
  if (/^(#|https?:\/\/)/i.test(firstLine)) return 'txt';
  if (firstLine.trimEnd() === HTTP_DATA || firstLine.includes('\t')) return 'tsv';
  return firstLine.includes(',') ? 'csv' : 'txt';
}

/** First line of a URL list of Google's Storage Transfer Service. */
const HTTP_DATA = 'TsvHttpData-1.0';

/** Such a list says so itself, whatever it is called. */
export function isHttpData(head: Uint8Array): boolean {
  const [firstLine = ''] = Buffer.from(head.subarray(0, 64))
    .toString('latin1')
    .split(/[\r\n]/, 1);
  return firstLine.trimEnd() === HTTP_DATA;
}
