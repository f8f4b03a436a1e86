import { packingOf } from './unpack-list.ts';

/**
 * What a text is that is no list, by its first bytes: another encoding (Excel's "Unicode text" is UTF-16), another packing,
 * a page that some server gave instead. Every line of it would be called bad for a reason that is not the reason.
 */
export const FOREIGN_HEAD_BYTES = 64;

const PACK = 'pack it with gzip or zstd, or not at all';
const SIGNS: readonly (readonly [string, string])[] = [
  ['PK\u0003\u0004', 'a zip archive (an Excel workbook is one, too); take the list out of it, or save it as CSV'],
  ['BZh91AY&SY', `packed with bzip2; ${PACK}`],
  ['\u00fd7zXZ\u0000', `packed with xz; ${PACK}`],
  ['7z\u00bc\u00af\u0027\u001c', `a 7z archive; ${PACK}`],
  ['%PDF-', 'a PDF; save it as text'],
];
const PAGE = /^(\u00ef\u00bb\u00bf)?\s*<(!doctype|\?xml|html|head|body)\b/i;

/**
 * What it is and what to do, as the end of a sentence; undefined for what may be a list.
 *
 * @param head the first 64 bytes of the unpacked text, or all of them
 */
export function foreignList(head: Uint8Array): string | undefined {
  const encoding = encodingOf(head);
  if (encoding !== undefined) return `${encoding} text; save it as UTF-8`;
  const packing = packingOf(head);
  if (packing !== undefined) return `packed twice, with ${packing} inside; unpack it once`;
  const text = Buffer.from(head.subarray(0, FOREIGN_HEAD_BYTES)).toString('latin1');
  if (PAGE.test(text))
    return 'a page of HTML or XML; perhaps a server sent its login or error page instead of the list';
  return SIGNS.find(([sign]) => text.startsWith(sign))?.[1];
}

/** By the byte order mark, else by where the zeros of ASCII characters stand: no text in UTF-8 has any. */
function encodingOf(head: Uint8Array): string | undefined {
  const [a, b, c, d] = head;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32 (LE)' : 'UTF-16 (LE)';
  if (a === 0xfe && b === 0xff) return 'UTF-16 (BE)';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32 (BE)';
  if (!a !== !b && !a === !c && !b === !d && head.length >= 4) return b === 0 ? 'UTF-16 (LE)' : 'UTF-16 (BE)';
  return undefined;
}
