/**
 * Which keys a store takes. The last line of defence behind the manifest's own checks: whatever arrives here, a key never
 * names anything outside its store. Pure; throws KeyRefused and says which rule.
 */
import { MAX_KEY_BYTES } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Linux NAME_MAX; also that of APFS and NTFS, as far as UTF-8 goes. */
const MAX_NAME_BYTES = 255;
/** Windows devices, with an extension too ("Naming Files, Paths, and Namespaces"). */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Rules of every store. Returns the segments. */
export function checkKey(key: string): readonly string[] {
  if (key === '') throw new SkyhaulError('KeyRefused', 'The key is empty.');
  if (!key.isWellFormed()) throw refuse(key, 'holds half of a surrogate pair');
  if (CONTROL.test(key)) throw refuse(key, 'holds a control character');
  if (key.includes('\\')) throw refuse(key, 'holds a backslash');
  const segments = key.split('/');
  for (const segment of segments) {
    if (segment === '') throw refuse(key, 'has an empty segment (a slash at its start, at its end, or two in a row)');
    if (segment === '.' || segment === '..') throw refuse(key, `has the segment "${segment}"`);
  }
  return segments;
}

/** Those of a directory, which may be read from Windows one day. */
export function checkLocalKey(key: string): readonly string[] {
  const segments = checkKey(key);
  for (const segment of segments) {
    if (/[. ]$/.test(segment)) throw refuse(key, `has the segment "${segment}", which ends in a dot or a space`);
    if (DEVICE.test(segment)) throw refuse(key, `has the segment "${segment}", a device name on Windows`);
    const bytes = Buffer.byteLength(segment);
    if (bytes > MAX_NAME_BYTES) {
      throw refuse(key, `has a segment of ${bytes} bytes, file names hold at most ${MAX_NAME_BYTES}`);
    }
  }
  return segments;
}

/** Those of S3; the limit holds for prefix and key together. */
export function checkS3Key(key: string, prefix: string): void {
  checkKey(key);
  const bytes = Buffer.byteLength(prefix) + Buffer.byteLength(key);
  if (bytes > MAX_KEY_BYTES) throw refuse(key, `has ${bytes} bytes with its prefix, S3 allows ${MAX_KEY_BYTES}`);
}

function refuse(key: string, why: string): SkyhaulError {
  return new SkyhaulError('KeyRefused', `The key ${showKey(key)} ${why}.`);
}

/** Quoted, escaped and cut, so that no key can break a line of a log or fill it. */
export function showKey(key: string): string {
  const quoted = JSON.stringify(key.toWellFormed());
  return quoted.length > 200 ? `${quoted.slice(0, 200)}…"` : quoted;
}
