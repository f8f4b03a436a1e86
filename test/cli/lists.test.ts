import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openManifest } from '../../cli/open-manifest.ts';
import { countUrls, spoolStream, spoolUrls } from '../../cli/spool-list.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { ObjectStore } from '../../lib/store/object-store.ts';

let folder: string;
const opened: ObjectStore[] = [];

function openState(path = '.skyhaul'): ObjectStore {
  const store = openLocalStore(join(folder, path));
  opened.push(store);
  return store;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-lists-'));
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await rm(folder, { recursive: true, force: true });
});

const noBucket = () => {
  throw new Error('no bucket is asked for');
};

async function readAll(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of bytes) text += Buffer.from(chunk).toString('latin1');
  return text;
}

async function* stream(...chunks: (string | Uint8Array)[]): AsyncIterable<Uint8Array> {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

describe('a list on disk', () => {
  it('is read as often as it is opened, with the same ETag', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'http://a/x\n');

    const first = await openManifest(path, noBucket);
    const second = await openManifest(path, noBucket);

    expect(first).toMatchObject({ name: 'list.txt', etag: second.etag });
    expect(await readAll(second.bytes)).toBe('http://a/x\n');
    expect(await readAll(first.bytes)).toBe('http://a/x\n');
  });

  it('has another ETag when it was written to', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'http://a/x\n');
    const before = await openManifest(path, noBucket);

    await appendFile(path, 'http://a/y\n');

    expect((await openManifest(path, noBucket)).etag).not.toBe(before.etag);
  });

  it('is refused when it changes before or while it is read', async () => {
    const path = join(folder, 'list.txt');
    await writeFile(path, 'http://a/x\n'.repeat(100_000));
    const late = await openManifest(path, noBucket);
    const during = await openManifest(path, noBucket);

    const reading = (async () => {
      let isChanged = false;
      for await (const _ of during.bytes) {
        if (!isChanged) await appendFile(path, 'http://a/y\n');
        isChanged = true;
      }
    })();

    await expect(reading).rejects.toMatchObject({ name: 'ManifestChanged' });
    await expect(readAll(late.bytes)).rejects.toMatchObject({ name: 'ManifestChanged' });
  });

  it('says why it cannot be read', async () => {
    await mkdir(join(folder, 'directory'));

    await expect(openManifest(join(folder, 'missing.txt'), noBucket)).rejects.toMatchObject({
      name: 'ManifestUnreadable',
      message: `${join(folder, 'missing.txt')}: there is no such file`,
    });
    await expect(openManifest(join(folder, 'directory'), noBucket)).rejects.toMatchObject({
      name: 'ManifestUnreadable',
      message: `${join(folder, 'directory')} is not a file`,
    });
  });
});

it.runIf(process.platform === 'linux')(
  'a list on disk that fails while it is read is unreadable, not a bug',
  async () => {
    const { bytes } = await openManifest('/proc/self/mem', noBucket);

    await expect(readAll(bytes)).rejects.toMatchObject({
      name: 'ManifestUnreadable',
      message: '/proc/self/mem: EIO',
    });
  },
);

describe('a list in a bucket', () => {
  const open = (uri: string) => openState(uri.replace('s3://', ''));

  it('has the ETag of its object', async () => {
    await spoolUrls(open('s3://bucket/lists'), 'r', ['http://a/x']);

    const source = await openManifest('s3://bucket/lists/runs/r/manifest.jsonl', open);

    expect(source.name).toBe('manifest.jsonl');
    expect(source.etag).toBe((await open('s3://bucket/lists').head('runs/r/manifest.jsonl'))?.etag);
    expect(await readAll(source.bytes)).toBe('{"url":"http://a/x"}\n');
  });

  it('is refused when it is not there, and when it was written over', async () => {
    await expect(openManifest('s3://bucket/none.txt', open)).rejects.toMatchObject({ name: 'ManifestUnreadable' });

    const path = join(folder, 'bucket/lists/list.txt');
    await mkdir(join(folder, 'bucket/lists'), { recursive: true });
    await writeFile(path, 'http://a/x\n');
    const source = await openManifest('s3://bucket/lists/list.txt', open);
    await writeFile(path, 'http://a/longer\n');

    await expect(readAll(source.bytes)).rejects.toMatchObject({ name: 'ManifestChanged' });
  });
});

describe('a list that can be read only once', () => {
  it('is kept in the state of the run, readable by its owner only', async () => {
    const state = openState();

    const manifest = await spoolStream(state, 'r1', stream('http://a/x?sig', '=1\n'), {});

    expect(manifest).toEqual({ format: 'txt', uri: state.uriOf('runs/r1/manifest.txt') });
    expect(await readFile(manifest.uri, 'utf8')).toBe('http://a/x?sig=1\n');
    expect((await stat(manifest.uri)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['gzip', gzipSync, '.gz'],
    ['zstd', zstdCompressSync, '.zst'],
  ] as const)('keeps its compression (%s), and whoever unpacks it sees what is inside', async (_, pack, extension) => {
    const state = openState();
    const packed = pack('url\nhttp://a/x\n');

    const manifest = await spoolStream(state, 'r1', stream(packed), { format: 'csv', urlColumn: 'url' });

    expect(manifest).toEqual({ format: 'csv', urlColumn: 'url', uri: state.uriOf(`runs/r1/manifest.csv${extension}`) });
    expect(await spoolStream(state, 'r2', stream(packed), {})).toEqual({
      uri: state.uriOf(`runs/r2/manifest${extension}`),
    });
  });

  it('may be given again to the same run, but not another one', async () => {
    const state = openState();
    const long = 'http://a/x\n'.repeat(20_000);
    const first = await spoolStream(state, 'r1', stream(long), {});

    expect(await spoolStream(state, 'r1', stream(long.slice(0, 99), long.slice(99)), {})).toEqual(first);
    await expect(spoolStream(state, 'r1', stream(`${long}http://a/y\n`), {})).rejects.toMatchObject({
      name: 'RunInputDiffers',
    });
  });

  it('leaves no character of a URL to mean anything else', async () => {
    const state = openState();

    const manifest = await spoolUrls(state, 'r1', ['http://a/x,"y"\n#z', 'http://b/']);

    const urls = (await readFile(manifest.uri, 'utf8')).trim().split('\n');
    expect(urls.map((line) => JSON.parse(line))).toEqual([{ url: 'http://a/x,"y"\n#z' }, { url: 'http://b/' }]);
  });

  it('keeps a pattern as it is, however many URLs it makes, unless it is none', async () => {
    const state = openState();
    const urls = ['http://a/{1..9000000}.zip', 'http://b/'];

    const manifest = await spoolUrls(state, 'r1', urls);
    const literal = await spoolUrls(state, 'r2', urls, false);

    expect(manifest).toEqual({ format: 'txt', uri: state.uriOf('runs/r1/manifest.txt') });
    expect(await readFile(manifest.uri, 'utf8')).toBe('http://a/{1..9000000}.zip\nhttp://b/\n');
    expect(literal.format).toBe('jsonl');
    expect([countUrls(urls), countUrls(urls, false)]).toEqual([9_000_001, 2]);
    await expect(spoolUrls(state, 'r3', ['http://a/{1..2}', 'http://b/\nx'])).rejects.toMatchObject({
      name: 'BatchInvalid',
    });
  });
});
