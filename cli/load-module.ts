import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { readUserModule, type UserModule } from '../lib/transform/user-module.ts';

/**
 * The module of `--module`, loaded by Node itself: JavaScript, or TypeScript that is JavaScript with types (no enums, no
 * parameter properties). Nothing is bundled or type-checked. Throws BatchInvalid for one that cannot be loaded.
 */
export async function loadModule(path: string, cwd: string): Promise<UserModule> {
  const file = resolve(cwd, path);
  try {
    // Of the file alone: a change in what it imports makes no other module of it.
    const id = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
      .slice(0, 8);
    const exports: object = await import(pathToFileURL(file).href);
    return readUserModule(exports, { id, file });
  } catch (error) {
    if (error instanceof SkyhaulError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new SkyhaulError('BatchInvalid', `--module ${path} cannot be loaded: ${message}`, { cause: error });
  }
}
