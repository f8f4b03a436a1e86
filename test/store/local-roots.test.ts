import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { Condition } from '../../lib/store/object-store.ts';
import { keysOf, putBytes } from '../support/store-bytes.ts';

const ANY: Condition = { kind: 'any' };
const isLinux = process.platform === 'linux';
const isRoot = process.getuid?.() === 0;

let outside: string;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'skyhaul-roots-'));
});
afterEach(() => rm(outside, { recursive: true, force: true }));

const write = (root: string) => putBytes(openLocalStore(root), 'k', Buffer.from('x'), ANY);

/** Nothing that is done with such a store says that it was the key. */
async function expectDenied(root: string, why: RegExp): Promise<void> {
  const denied = expect.objectContaining({ name: 'StoreDenied', message: expect.stringMatching(why) });
  const store = openLocalStore(root);

  await expect(write(root)).rejects.toEqual(denied);
  await expect(store.createUpload('k', {})).rejects.toEqual(denied);
}

describe('a directory that cannot be', () => {
  test.runIf(isLinux).each(['/proc/skyhaul', '/proc/skyhaul/a/b', '/proc/self/skyhaul/.skyhaul'])(
    '%s, where the system makes none, is denied at once',
    async (root) => {
      await expectDenied(root, /no directory can be made there/);
    },
  );

  test('a file in its place, or on the way to it, is named', async () => {
    await writeFile(join(outside, 'file'), 'x');

    for (const root of ['file', 'file/a', 'file/a/b', 'file/.skyhaul']) {
      await expectDenied(join(outside, root), /\/file" is a file, not a directory/);
      const store = openLocalStore(join(outside, root));
      await expect(store.head('k')).rejects.toMatchObject({ name: 'StoreDenied' });
      await expect(keysOf(store.list(''))).rejects.toMatchObject({ name: 'StoreDenied' });
    }
  });

  test('a link that leads nowhere is not followed to make what it names', async () => {
    await symlink(join(outside, 'nowhere'), join(outside, 'link'));

    await expectDenied(join(outside, 'link'), /\/link" is a symbolic link that leads nowhere/);
    await expectDenied(join(outside, 'link/a/b'), /\/link" is a symbolic link that leads nowhere/);
    expect(await readdir(outside)).toEqual(['link']);
  });

  test('links that lead to each other, and names that are too long, are denied for what they are', async () => {
    await symlink(join(outside, 'b'), join(outside, 'a'));
    await symlink(join(outside, 'a'), join(outside, 'b'));

    await expectDenied(join(outside, 'a/x'), /ELOOP/);
    await expectDenied(join(outside, 'n'.repeat(300)), /ENAMETOOLONG/);
    await expect(openLocalStore(join(outside, 'a/x')).head('k')).rejects.toMatchObject({ name: 'StoreDenied' });
  });

  test.skipIf(isRoot)('one that may not be entered, or written into, is denied', async () => {
    await mkdir(join(outside, 'shut/in'), { recursive: true });
    await chmod(join(outside, 'shut'), 0o000);

    await expectDenied(join(outside, 'shut/in'), /EACCES/);
    await expect(keysOf(openLocalStore(join(outside, 'shut/in')).list(''))).rejects.toMatchObject({
      name: 'StoreDenied',
    });
    await chmod(join(outside, 'shut'), 0o500);
    await expectDenied(join(outside, 'shut'), /EACCES/);
    await chmod(join(outside, 'shut'), 0o300);
    await expect(keysOf(openLocalStore(join(outside, 'shut')).list(''))).rejects.toMatchObject({ name: 'StoreDenied' });
    await chmod(join(outside, 'shut'), 0o700);
  });
});

test('a directory is made with all above it, by many at once, and again', async () => {
  const root = join(outside, 'a/b/c');

  await Promise.all(Array.from({ length: 20 }, () => write(root)));
  await write(`${root}/`);

  expect(await keysOf(openLocalStore(root).list(''))).toEqual(['k']);
});
