import { createHash } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32 } from '../../lib/store/crc32.ts';
import { DirectorySync } from '../../lib/store/directory-sync.ts';
import { withStoreErrors } from '../../lib/store/local-errors.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { Condition, ObjectStore } from '../../lib/store/object-store.ts';
import { keysOf, matching, putBytes, randomBytes, readAll } from '../support/store-bytes.ts';

const ABSENT: Condition = { kind: 'absent' };
const ANY: Condition = { kind: 'any' };
const conflict = { name: 'CommitConflict' };

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
  const stopped = openLocalStore(root, { now: () => 1_800_000_000_000, link });
  const etags = new Set<string>();
  for (let version = 0; version < 50; version += 1) {
    etags.add((await putBytes(stopped, 'k', Buffer.from('same'), ANY)).etag);
  }

  expect(etags.size).toBe(50);
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

async function* cutStream() {
  yield Buffer.from('x');
}
