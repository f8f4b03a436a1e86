import { hash } from 'node:crypto';
import { MAX_KEY_BYTES } from '../contract/limits.ts';

/**
 * Which key an item's object gets. `deriveKey` makes a valid one from every http URL, so it cleans; `checkKey` judges one
 * that somebody wrote, so it refuses and changes nothing. Valid is what S3, its console and a directory on Linux, macOS
 * and Windows take alike, and what no decoding, be it done once or twice, leads out of the prefix.
 *
 *     https://example.com:8080/a/my%20file.tar.gz?v=2   →   example.com_8080/a/my file~269fc203435a89d1.tar.gz
 *     https://example.com/docs/                         →   example.com/docs/index.html   (as wget does)
 */
export type KeyVerdict = { readonly ok: true } | { readonly ok: false; readonly problem: string };

const CONTROL = /[\p{Cc}\p{Cs}]/u;
/** Control characters, and what Windows forbids in a file name. */
const UNSAFE = /[\p{Cc}\p{Cs}\\/<>:"|?*]/gu;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$) *(\.|$)/i;
/** What most parts are: there is nothing to clean, and looking at it six times would be most of the time that a key takes. */
const PLAIN = /^[A-Za-z0-9_~-](?:[A-Za-z0-9_.~-]*[A-Za-z0-9_~-])?$/;
const DOT_SEGMENT = /(^|[/\\])\.\.?($|[/\\])/;
const EXTENSION = /(\.tar)?\.[A-Za-z0-9]{1,10}$/;
/** File systems take 255 bytes; what a local store puts around a name while it writes needs room, too. */
const MAX_SEGMENT_BYTES = 200;
const HASH_DIGITS = 16;
/** The folder of our own state in a local destination, also where a file system ignores case. */
const STATE_FOLDER = '.skyhaul';

/** Stands in a key in the place of the name that the source gives the file, until it has answered. */
export const FILENAME = '{filename}';

/** @param maxBytes what the destination's prefix leaves of S3's 1,024 bytes */
export function checkKey(key: string, maxBytes: number = MAX_KEY_BYTES): KeyVerdict {
  const refuse = (problem: string): KeyVerdict => ({ ok: false, problem });
  const bytes = Buffer.byteLength(key);
  if (key === '') return refuse('a key is not empty');
  if (bytes > maxBytes) return refuse(`at most ${maxBytes} bytes, found ${bytes}`);
  if (CONTROL.test(key)) return refuse('no control characters and no half characters (surrogates)');
  if (key.includes('\\')) return refuse('no backslash');
  if (key.startsWith('/')) return refuse('no `/` at the beginning');
  if (key.split('/').includes('')) return refuse('no empty part between, before or behind `/`');
  if (hasDotSegment(key)) return refuse('no part `.` or `..`, percent-encoded neither');
  if (key.endsWith('.')) return refuse('no `.` at the end');
  if (isStateFolder(key.split('/')[0] ?? '')) return refuse(`not below ${STATE_FOLDER}, where the state lies`);
  return { ok: true };
}

/**
 * The default key `<host>/<path>`, decoded once and cleaned; a query adds `~` and 16 hexadecimal digits of its SHA-256
 * before the extension. The same URL always gives the same key, and `checkKey` accepts it.
 *
 * @param maxBytes as for `checkKey`; a longer key is cut and ends in a hash of the URL. At least 64.
 */
export function deriveKey(url: URL, maxBytes: number = MAX_KEY_BYTES): string {
  return finishKey([hostName(url), ...pathNames(url)], maxBytes, url.href);
}

/**
 * Parts of a key, the folders first, as a key that `checkKey` accepts: each cleaned, cut to what a file system takes, and
 * the whole to `maxBytes`. What is cut ends in a hash: of its part, or of `hashed`.
 */
export function finishKey(parts: readonly string[], maxBytes: number = MAX_KEY_BYTES, hashed: string): string {
  const names = parts.map(cleanPart);
  if (isStateFolder(names[0] ?? '')) names[0] = `_${names[0]}`;
  const whole = names.map((name) => cut(name, MAX_SEGMENT_BYTES, name)).join('/');
  return cut(whole, maxBytes, hashed);
}

/**
 * A text with a mark in the place of a name that is not known yet, as a key with `{filename}` there: finished like all
 * others, but with room for the name. What nobody wrote as `{filename}` is none. The part of the mark is cleaned with the
 * name in it.
 *
 * @param maxBytes as for `finishKey`; at least 256, else it may come out longer
 */
export function finishUnnamed(text: string, mark: string, maxBytes: number = MAX_KEY_BYTES) {
  const parts = text.split('/');
  const at = parts.findIndex((part) => part.includes(mark));
  const around = (parts[at] ?? '').split(mark).map((side) => side.replaceAll(FILENAME, '_filename_'));
  const sides = [parts.slice(0, at), parts.slice(at + 1)];
  const build = (folderBytes: number, sideBytes: number) => {
    const [above = '', below = ''] = sides.map((names) => finishKey(names, folderBytes, names.join('/')));
    const [before = '', after = ''] = around.map((side) => cut(side, sideBytes, side));
    const start = `${above}${above && '/'}${before}`;
    return { key: `${start}${FILENAME}${after}${below && '/'}${below}`, nameAt: start.length };
  };
  const short = Math.floor(Math.min(maxBytes, 2 * MAX_SEGMENT_BYTES) / 5);
  const whole = build(maxBytes, Buffer.byteLength(around.join('')) > MAX_SEGMENT_BYTES ? short : MAX_SEGMENT_BYTES);
  return Buffer.byteLength(whole.key) <= maxBytes ? whole : build(Math.floor(maxBytes / 4), short);
}

/** How a key with `{filename}` at `nameAt` begins for sure, whatever the name is: it is cleaned with it, and cut behind it. */
export function beginningOf(key: string, nameAt: number): string {
  const long = 'b'.repeat(MAX_SEGMENT_BYTES);
  // The longest extensions leave the least of what stands before them.
  const [one = '', ...others] = ['a', `${long}.tar`, `${long}.tar.${'b'.repeat(10)}`].map((name) => {
    const text = `${key.slice(0, nameAt)}${name}${key.slice(nameAt + FILENAME.length)}`;
    return finishKey(text.split('/'), MAX_KEY_BYTES, name);
  });
  let end = 0;
  while (end < one.length && others.every((other) => other[end] === one[end])) end += 1;
  return one.slice(0, end);
}

/** Of a URL, as a part of a key: with its port, without the brackets of an address. */
export function hostName(url: URL): string {
  return cleanPart(url.host.replaceAll(/[[\]]/g, '').replace(/\.(?=$|:\d)/, ''));
}

/** The path as parts of a key; the last one tells queries apart. */
export function pathNames(url: URL): string[] {
  const names = plainPathNames(url);
  const last = names.pop() ?? '';
  return [...names, url.search === '' ? last : insertHash(last, url.search.slice(1))];
}

/** The same, whatever the query is. */
export function plainPathNames(url: URL): string[] {
  const path = url.pathname.split('/').filter((segment) => segment !== '');
  if (url.pathname.endsWith('/')) path.push('index.html');
  return path.map(decodeOnce).map(cleanPart);
}

/** A text that becomes a part of a key, whatever it is: no `/` in it, nothing that a file system or a decoder reads otherwise. */
export function cleanPart(segment: string): string {
  if (PLAIN.test(segment) && !WINDOWS_DEVICE.test(segment)) return segment;
  const safe = segment
    .normalize('NFC')
    .replace(UNSAFE, '_')
    .replaceAll(FILENAME, '_filename_')
    .replace(/[. ]+$/, (end) => '_'.repeat(end.length));
  const named = WINDOWS_DEVICE.test(safe) || safe === '' ? `_${safe}` : safe;
  return hasDotSegment(named) ? named.replaceAll('%', '_') : named;
}

/** Escapes of what is no UTF-8 stay as they are. */
function decodeOnce(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A client or proxy that decodes the key once or twice must not find `..` in it. Only ASCII matters here. */
function hasDotSegment(key: string): boolean {
  if (!key.includes('%')) return DOT_SEGMENT.test(key);
  const once = decodeAscii(key);
  return [key, once, decodeAscii(once)].some((text) => DOT_SEGMENT.test(text));
}

function decodeAscii(text: string): string {
  return text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** File systems that ignore case know more of it than ASCII (a long s), and some ignore what cannot be seen, too. */
function isStateFolder(segment: string): boolean {
  const first = segment.charCodeAt(0);
  if (first !== 0x2e && !(first > 0x7f)) return false;
  return foldCase(segment.replaceAll(/\p{Cf}/gu, '')) === STATE_FOLDER;
}

/** As file systems that ignore case compare names. By way of the capitals: there a long s is an s, too. */
export function foldCase(name: string): string {
  return name.toUpperCase().toLowerCase();
}

function insertHash(name: string, hashed: string): string {
  const [extension = ''] = EXTENSION.exec(name) ?? [];
  const stem = name.slice(0, name.length - extension.length);
  return `${stem}~${hash('sha256', hashed).slice(0, HASH_DIGITS)}${extension}`;
}

/** Cuts between characters, before the extension, and marks the cut with a hash of the whole. */
function cut(text: string, maxBytes: number, hashed: string): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const [extension = ''] = EXTENSION.exec(text) ?? [];
  const room = maxBytes - HASH_DIGITS - 1 - extension.length;
  let stem = Buffer.from(text).subarray(0, room).toString();
  // A character that was cut in half decodes to U+FFFD; one that stood there before is not worth telling apart.
  stem = stem.replace(/\uFFFD+$/, '');
  return insertHash(`${stem}${extension}`, hashed);
}
