import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>;
}

it('locks the optional packages of every platform, without which `npm ci` refuses a fresh clone', async () => {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8');
  const { packages } = JSON.parse(text) as LockFile;

  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !foldersAbove(path).some((at) => packages[`${at}${name}`])),
  );

  expect(missing).toEqual([]);
});

/** Where Node looks for what a package requires, from the nearest `node_modules/` outwards. */
function foldersAbove(path: string): string[] {
  const steps = path.split('node_modules/');
  return [`${path}/node_modules/`, ...steps.map((_, at) => `${steps.slice(0, at).join('node_modules/')}node_modules/`)];
}
