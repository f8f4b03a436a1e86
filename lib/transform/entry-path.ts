/**
 * What a name in an archive may become: a path that is appended to a key and leads nowhere else, be it decoded once or
 * twice on its way. Hostile names are refused, not cleaned: two of them could become one. Pure.
 */
import { checkKey } from '../manifest/object-key.ts';
import { showKey } from '../store/key-rules.ts';
import { refuseTar } from './tar-header.ts';

/**
 * `./a//b` is `a/b`. `undefined` for what lies above the folders that are taken off. Throws TransformFailed.
 *
 * @param strip so many leading folders are taken off
 */
export function entryPath(name: string, strip: number): string | undefined {
  const segments = name.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw refuse(name, 'no part `..`');
  const path = segments.slice(strip).join('/');
  // What is taken off must not turn the rest into an absolute path.
  if (isAbsolute(name) || isAbsolute(path)) throw refuse(name, 'it is absolute');
  if (segments.length > 0 && path === '') return undefined;
  const verdict = checkKey(path);
  if (!verdict.ok) throw refuse(name, verdict.problem);
  return path;
}

function isAbsolute(path: string): boolean {
  const once = decodeAscii(path);
  return [path, once, decodeAscii(once)].some((text) => /^([a-z]:)?[/\\]/i.test(text));
}

/** Escapes of other than ASCII characters are of no account here. */
function decodeAscii(text: string): string {
  return text.replaceAll(/%([0-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function refuse(name: string, why: string) {
  return refuseTar(`the archive holds ${showKey(name)}, which is no name for an object: ${why}`);
}
