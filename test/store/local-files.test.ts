import { createHash } from 'node:crypto';
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { DirectorySync } from '../../lib/store/directory-sync.ts';
import { withStoreErrors } from '../../lib/store/local-errors.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import {
  commitOf,
  cut,
  keysOf,
  matching,
  putBytes,
  randomBytes,
  readAll,
  sendPart,
} from '../support/store-conformance.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };
const conflict = { name: 'CommitConflict' };
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

test('sealed objects are readable by their owner only, and so is what Skyhaul keeps', async () => {
  const mode = async (path: string) => (await stat(join(root, path))).mode & 0o777;

  await putBytes(store, 'sealed', Buffer.from('x'), ABSENT, { sealed: true });
  await store.putStream('sealed-stream', cutStream(), { condition: ANY, sealed: true });
  await putBytes(store, 'open', Buffer.from('x'), ABSENT);

  expect(await mode('sealed')).toBe(0o600);
  expect(await mode('sealed-stream')).toBe(0o600);
  expect(await mode('open')).toBe(0o666 & ~process.umask());
  expect(await mode('.skyhaul')).toBe(0o700);
});

test('the state of runs is kept by a store within, unseen by the listing of the destination, with no file per object', async () => {
  const to = join(outside, 'to');
  const state = openLocalStore(join(to, '.skyhaul'));
  const data = openLocalStore(to);

  const put = await putState(state, 'runs/r/input.json', '{}');
  await putBytes(data, 'runs.txt', Buffer.from('x'), ABSENT);

  expect((await stat(join(to, '.skyhaul'))).mode & 0o777).toBe(0o700);
  expect(await keysOf(data.list(''))).toEqual(['runs.txt']);
  expect(await keysOf(data.list('.skyhaul/runs/'))).toEqual(['.skyhaul/runs/r/input.json']);
  expect(await keysOf(state.list('runs/'))).toEqual(['runs/r/input.json']);
  expect(await readdir(join(to, '.skyhaul/.skyhaul/objects'))).toEqual([]);
  expect(await state.head('runs/r/input.json')).toMatchObject({ etag: put.etag, bytes: 2 });
});

describe('what is known of a file is believed only while it is the file that was stored', () => {
  test.each([
    ['written to', (path: string) => writeFile(path, 'other')],
    ['touched', (path: string) => utimes(path, 1, 1)],
    ['cut', (path: string) => truncate(path, 2)],
    ['replaced', (path: string) => rm(path).then(() => writeFile(path, 'first'))],
  ])('not when it was %s by somebody else', async (_, change) => {
    const put = await putBytes(store, 'k', Buffer.from('first'), ABSENT, { metadata: { a: 'b' } });
    expect(await store.head('k')).toEqual(put);

    await change(join(root, 'k'));

    expect(await store.head('k')).toMatchObject({ crc32: undefined, metadata: {} });
    expect((await store.head('k'))?.etag).not.toBe(put.etag);
    await expect(putBytes(store, 'k', Buffer.from('x'), matching(put.etag))).rejects.toMatchObject(conflict);
  });

  test('not when the knowledge itself is damaged', async () => {
    await putBytes(store, 'k', Buffer.from('first'), ABSENT, { metadata: { a: 'b' } });
    const objects = join(root, '.skyhaul/objects');
    for (const name of await readdir(objects, { recursive: true })) {
      if (name.endsWith('.json')) await writeFile(join(objects, name), '{"bytes":');
    }

    expect(await store.head('k')).toMatchObject({ bytes: 5, crc32: undefined, metadata: {} });
  });

  test('and it goes with the version it is about', async () => {
    let put = await putBytes(store, 'k', Buffer.from('0'), ABSENT);
    for (let version = 1; version <= 5; version += 1) {
      put = await putBytes(store, 'k', Buffer.from(String(version)), matching(put.etag));
    }

    const names = await readdir(join(root, '.skyhaul/objects'), { recursive: true });
    expect(names.filter((name) => name.endsWith('.json'))).toHaveLength(1);
  });
});

test('versions of one length that follow each other within a tick of the clock have different ETags', async () => {
  const etags = new Set<string>();
  for (let version = 0; version < 50; version += 1) {
    etags.add((await putBytes(store, 'k', Buffer.from('same'), ANY)).etag);
  }

  expect(etags.size).toBe(50);
});

describe('an upload', () => {
  test('of equal parts in any order writes each byte once: the commit renames the file the parts are in', async () => {
    const pieces = cut(store, 4, 100);
    const upload = await store.createUpload('big', {});
    for (const number of [2, 4, 1, 3]) await sendPart(store, upload, number, pieces);
    const before = await stat(join(root, '.skyhaul/tmp', upload.id, 'data'));

    const parts = [1, 2, 3, 4].map((number) => describePart(pieces, number));
    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect((await stat(join(root, 'big'))).ino).toBe(before.ino);
    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
  });

  test('of any sizes in any order, sent by several processes and more than once, joins to the same bytes', async () => {
    const least = store.limits.minPartBytes;
    const sizes = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(fc.nat(4), { maxLength: 5 }),
        fc.nat(least),
        fc.boolean(),
        async (extra, again, last, shuffle) => {
          const pieces = extra.map((more, index) =>
            randomBytes(index === extra.length - 1 ? last : least + more * 1_000, index),
          );
          const upload = await store.createUpload('big', {});
          const order = pieces.map((_, index) => index + 1);
          const numbers = [
            ...(shuffle ? order.toReversed() : order),
            ...again.filter((index) => index < pieces.length).map((index) => index + 1),
          ];

          // A first try with other bytes is replaced.
          const wrong = randomBytes(least, 77);
          await sendPart(openLocalStore(root), upload, 1, [wrong]);
          await Promise.all(numbers.map((number) => sendPart(openLocalStore(root), upload, number, pieces)));
          const parts = order.map((number) => describePart(pieces, number));
          await store.completeUpload(upload, parts, commitOf(pieces, ANY));

          expect(Buffer.compare(await readFile(join(root, 'big')), Buffer.concat(pieces))).toBe(0);
          expect(await keysOf(store.listUploads(''))).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('whose commit is refused keeps its parts', async () => {
    const pieces = cut(store, 2, 100);
    const upload = await store.createUpload('big', {});
    const parts = [await sendPart(store, upload, 1, pieces), await sendPart(store, upload, 2, pieces)];
    await putBytes(store, 'big', Buffer.from('other'), ABSENT);

    await expect(store.completeUpload(upload, parts, commitOf(pieces, ABSENT))).rejects.toMatchObject(conflict);
    await store.delete('big');
    await store.completeUpload(upload, parts, commitOf(pieces, ABSENT));

    expect(await readFile(join(root, 'big'))).toEqual(Buffer.concat(pieces));
  });
});

describe('on a file system without hard links', () => {
  const noLinks = async () => {
    throw Object.assign(new Error('link'), { code: 'ENOTSUP', syscall: 'link' });
  };

  test('absent is still exclusive', async () => {
    const open = () => openLocalStore(root, { now: Date.now, link: noLinks });

    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => putBytes(open(), 'race', Buffer.from(String(index)), ABSENT)),
    );

    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(results.filter((result) => result.status === 'rejected').map((result) => result.reason.name)).toEqual(
      Array(7).fill('CommitConflict'),
    );
  });
});

describe('the lock of a process that died', () => {
  const lockOf = (key: string) => join(root, '.skyhaul/tmp', `${createHash('sha256').update(key).digest('hex')}.swap`);

  test('is taken over when it is older than 30 s, and at most one of those who do writes', async () => {
    const put = await putBytes(store, 'k', Buffer.from('first'), ABSENT);
    await writeFile(lockOf('k'), '');
    const later = () => Date.now() + 31_000;

    const results = await Promise.allSettled(
      ['one', 'two', 'three'].map((text) =>
        putBytes(openLocalStore(root, { now: later, link }), 'k', Buffer.from(text), matching(put.etag)),
      ),
    );

    expect(results.filter((result) => result.status === 'fulfilled').length).toBeLessThanOrEqual(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(conflict);
    const now = await store.head('k');
    await putBytes(openLocalStore(root, { now: later, link }), 'k', Buffer.from('x'), matching(now?.etag ?? ''));
  });

  test('is waited for while it is fresh', async () => {
    const put = await putBytes(store, 'k', Buffer.from('first'), ABSENT);
    await writeFile(lockOf('k'), '');

    let settled = false;
    const second = putBytes(store, 'k', Buffer.from('again'), matching(put.etag)).finally(() => {
      settled = true;
    });
    await putBytes(store, 'other', Buffer.from('x'), ABSENT);
    expect(settled).toBe(false);
    await rm(lockOf('k'));

    expect((await second).bytes).toBe(5);
  });
});

test('what a crash left is swept after a day, open uploads and fresh files stay', async () => {
  const upload = await store.createUpload('k', {});
  const tmp = join(root, '.skyhaul/tmp');
  await writeFile(join(tmp, 'half.tmp'), 'half');
  await mkdir(join(tmp, 'x.gone'));

  await putBytes(openLocalStore(root), 'a', Buffer.from('x'), ANY);
  expect((await readdir(tmp)).toSorted()).toEqual([upload.id, 'half.tmp', 'x.gone'].toSorted());
  await putBytes(openLocalStore(root, { now: () => Date.now() + 25 * 3_600_000, link }), 'a', Buffer.from('x'), ANY);

  expect(await readdir(tmp)).toEqual([upload.id]);
});

test('writes leave nothing behind in the own folder, failed ones neither', async () => {
  await putBytes(store, 'k', Buffer.from('x'), ABSENT);
  await putBytes(store, 'k', Buffer.from('x'), ABSENT).catch(() => undefined);
  await putBytes(store, 'k', Buffer.from('x'), matching('no')).catch(() => undefined);

  expect(await readdir(join(root, '.skyhaul/tmp'))).toEqual([]);
});

test('closing a store ends a body that nobody reads', async () => {
  await putBytes(store, 'k', randomBytes(1_000_000, 1), ABSENT);
  const got = await store.get('k');

  await store.close();

  await expect(readAll(got?.body)).rejects.toMatchObject({ code: 'EBADF' });
});

test('errors of the file system become those of the catalogue', async () => {
  const nameOf = (effect: () => Promise<unknown>) => withStoreErrors('k', effect).catch((error: unknown) => error);

  expect(await nameOf(() => writeFile('/dev/full', 'x'))).toMatchObject({ name: 'StoreFull' });
  // Hard links to directories are not permitted, to nobody.
  expect(await nameOf(() => link(root, join(outside, 'x')))).toMatchObject({ name: 'StoreDenied' });
  expect(await nameOf(() => writeFile(root, 'x'))).toMatchObject({ name: 'KeyRefused' });
  expect(await nameOf(() => readFile(join(root, 'no')))).toMatchObject({ name: 'StoreFailed' });
  const ownError = new Error('not the file system');
  expect(await nameOf(() => Promise.reject(ownError))).toBe(ownError);
});

test('many who wait for the same directory share its syncs, and hear when it is gone', async () => {
  const sync = new DirectorySync();
  const first = sync.sync(root);
  expect(sync.sync(root)).toBe(first);
  await first;

  expect(sync.sync(root)).not.toBe(first);
  await expect(Promise.all([sync.sync(join(root, 'no')), sync.sync(join(root, 'no'))])).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

/** As a ledger, a claim or a status is written: with nothing to say about itself. */
function putState(state: ObjectStore, key: string, text: string) {
  const bytes = Buffer.from(text);
  return state.put(key, bytes, { crc32: crc32(bytes), condition: ANY, sealed: true });
}

/** As the store described it when it took the part. */
function describePart(pieces: readonly Buffer[], number: number) {
  const bytes = pieces[number - 1] ?? Buffer.alloc(0);
  return { number, bytes: bytes.length, crc32: crc32(bytes), etag: '' };
}

async function* cutStream() {
  yield Buffer.from('x');
}
