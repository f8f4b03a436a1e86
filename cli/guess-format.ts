import type { ManifestSpec } from '../lib/contract/batch-input.ts';

/**
 * The format of a list that has no name, from its first bytes. Only what is plain is guessed: a brace begins JSON Lines,
 * a URL or comment begins a text list, a header line with tabs or commas begins a table.
 */
export function guessFormat(head: Uint8Array): NonNullable<ManifestSpec['format']> {
  const text = new TextDecoder().decode(head).trimStart();
  const firstLine = text.split(/[\r\n]/, 1)[0] ?? '';
  if (firstLine.startsWith('{')) return 'jsonl';
  if (/^(#|https?:\/\/)/i.test(firstLine)) return 'txt';
  if (firstLine.includes('\t')) return 'tsv';
  return firstLine.includes(',') ? 'csv' : 'txt';
}

/** RFC 1952 2.3.1 */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}
