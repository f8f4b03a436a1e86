import { statSync } from 'node:fs';
import { join } from 'node:path';
import { OWN_DIRECTORY } from './local-root.ts';

/**
 * Whether a destination takes upper and lower case for the same, as the file systems of macOS and Windows do by default:
 * its own folder is there under both names. A directory that has no such folder yet says no.
 */
export function ignoresCase(directory: string): boolean {
  const [own, other] = [OWN_DIRECTORY, OWN_DIRECTORY.toUpperCase()].map((name) =>
    statSync(join(directory, name), { bigint: true, throwIfNoEntry: false }),
  );
  return own !== undefined && other !== undefined && own.ino === other.ino && own.dev === other.dev;
}
