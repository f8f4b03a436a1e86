import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { showKey } from './key-rules.ts';
import { codeOf } from './local-errors.ts';

/**
 * A directory and those above it, in a bounded number of steps. Node's own `recursive` never comes back where a file
 * system says of a name in a directory that is there that there is no such directory, as /proc does (nodejs/node#31481).
 *
 * @throws SkyhaulError `StoreDenied` for such a place, and what the file system says of all others
 */
export async function makeDirectory(path: string): Promise<void> {
  if (await isMade(path)) return;
  await makeDirectory(dirname(path));
  if (!(await isMade(path))) throw new SkyhaulError('StoreDenied', `${showKey(path)}: no directory can be made there.`);
}

/** It is there afterwards; `false` where the directory above is missing. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && dirname(path) !== path) return false;
    // Not every system says EEXIST of a directory that it lets nobody write into.
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) return true;
    throw error;
  }
}
