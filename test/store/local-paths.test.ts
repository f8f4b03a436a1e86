import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import { keysOf, putBytes, readAll } from '../support/store-bytes.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };
const refused = { name: 'KeyRefused' };

let outside: string;
let root: string;
let store: ObjectStore;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'skyhaul-local-'));
  root = join(outside, 'root');
  await mkdir(root);
  store = openLocalStore(root);
});
afterEach(() => rm(outside, { recursive: true, force: true }));

describe('nothing outside the directory is read or written', () => {
  test('through a linked directory', async () => {
    await mkdir(join(outside, 'elsewhere'));
    await writeFile(join(outside, 'elsewhere', 'secret'), 'secret');
    await symlink(join(outside, 'elsewhere'), join(root, 'dir'));

    await expect(putBytes(store, 'dir/new', Buffer.from('x'), ANY)).rejects.toMatchObject(refused);
    await expect(putBytes(store, 'dir/new', Buffer.from('x'), ANY)).rejects.toThrow(/root\/dir" is a symbolic link/);
    await expect(store.createUpload('dir/new', {})).rejects.toMatchObject(refused);
    await expect(store.get('dir/secret')).rejects.toMatchObject(refused);
    await expect(store.delete('dir/secret')).rejects.toMatchObject(refused);

    expect(await keysOf(store.list(''))).toEqual([]);
    expect(await keysOf(store.list('dir/'))).toEqual([]);
    expect(await readdir(join(outside, 'elsewhere'))).toEqual(['secret']);
  });

  test('through a link in the place of the object, also one that leads nowhere', async () => {
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(join(outside, 'secret'), join(root, 'linked'));
    await symlink(join(outside, 'made'), join(root, 'dangling'));

    for (const key of ['linked', 'dangling']) {
      for (const condition of [ANY, ABSENT]) {
        await expect(putBytes(store, key, Buffer.from('x'), condition)).rejects.toMatchObject(refused);
      }
      await expect(store.get(key)).rejects.toMatchObject(refused);
    }

    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(await readdir(outside)).toEqual(['root', 'secret']);
  });

  test('by any key', async () => {
    await symlink(outside, join(root, 'link'));
    const segment = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '...',
        'a',
        'A',
        'b',
        'link',
        'con',
        'NUL.txt',
        'a.',
        ' ',
        '~',
        '%2e%2e',
        '\\..\\x',
      ),
      fc.constantFrom('\0', 'a\0b', '\r\n', '-rf', '$HOME', 'C:', '\ud800', 'x'.repeat(256), 'ü'.repeat(128), '\u202e'),
      fc.string({ unit: 'binary', maxLength: 8 }),
    );
    const key = fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('/'));

    await fc.assert(
      fc.asyncProperty(key, async (hostile) => {
        const bytes = Buffer.from(hostile);
        const error = await putBytes(store, hostile, bytes, ANY).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) expect(error).toMatchObject(refused);
        else expect(await readAll((await store.get(hostile))?.body)).toEqual(bytes);
        expect(await readdir(outside)).toEqual(['root']);
      }),
      { numRuns: 300 },
    );
    for (const listed of await keysOf(store.list(''))) expect(await readFile(join(root, listed), 'utf8')).toBe(listed);
  });

  test('by a hostile prefix or upload id', async () => {
    await writeFile(join(outside, 'secret'), 'secret');
    await mkdir(join(root, '.skyhaul/tmp'), { recursive: true });

    for (const prefix of ['../', '../s', '/', 'a/../../', './', '\0/'])
      expect(await keysOf(store.list(prefix))).toEqual([]);
    for (const id of ['..', '../..', '.', '', '../../../x']) {
      await store.abortUpload({ key: 'k', id });
      await expect(store.uploadPart({ key: 'k', id }, 1, Buffer.from('x'), 0x8cdc1683)).rejects.toMatchObject({
        name: 'UploadLost',
      });
    }

    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });
});

test('the directory itself may be a link', async () => {
  await symlink(root, join(outside, 'link'));

  await putBytes(openLocalStore(join(outside, 'link')), 'k', Buffer.from('x'), ABSENT);

  expect(await readFile(join(root, 'k'), 'utf8')).toBe('x');
});

test('a key below a file, and one in the place of a directory, are refused with the name of what is in the way', async () => {
  await putBytes(store, 'a', Buffer.from('x'), ABSENT);
  await putBytes(store, 'd/e', Buffer.from('x'), ABSENT);

  await expect(putBytes(store, 'a/b', Buffer.from('x'), ABSENT)).rejects.toThrow(/root\/a" is a file, not a directory/);
  await expect(store.createUpload('a/b/c', {})).rejects.toMatchObject(refused);
  await expect(putBytes(store, 'd', Buffer.from('x'), ANY)).rejects.toThrow(/root\/d" is a directory/);
  await expect(putBytes(store, Array(30).fill('n'.repeat(200)).join('/'), Buffer.from('x'), ANY)).rejects.toMatchObject(
    refused,
  );
});
