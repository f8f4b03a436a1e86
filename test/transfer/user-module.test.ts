import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { LoadUserModule, TransformContext, UserModule } from '../../lib/transform/user-module.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, leftovers, listOf } from '../support/run-context.ts';

const MiB = 1024 * 1024;
type Input = AsyncIterable<Uint8Array>;

function loading(code: Omit<UserModule, 'id' | 'file'>, id = 'v1'): { userModule: LoadUserModule } {
  return { userModule: () => Promise.resolve({ id, file: 'my-module.ts', ...code }) };
}

async function* upperCase(input: Input, { options }: TransformContext): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) yield Buffer.from(`${Buffer.from(chunk)}`.toUpperCase() + (options.end ?? ''));
}

async function count(input: Input): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of input) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

describe("the user's own module in a run", () => {
  it('is a step among others, with the options of the item', async ({ rig }) => {
    rig.origin.on('/text', { body: gzipSync('grüße'), headers: { ETag: '"v1"' } });
    const transform = ['gunzip', { name: 'module', options: { end: '!' } }, 'gzip'];

    const [outcome] = await rig.run(listOf(rig, ['/text'], {}, { transform }), loading({ transform: upperCase }));

    expect(gunzipSync(await readFile(join(rig.root, 'text'))).toString()).toBe('GRÜSSE!');
    expect(outcome).toMatchObject({ outcome: 'stored', verified: 'length', sourceEtag: '"v1"' });
    const object = await openLocalStore(rig.root).head('text');
    expect(object?.metadata['skyhaul-transform']).toMatch(/^gunzip,module,gzip [0-9a-f]{8}$/);
  });

  it('is read on unseen where its source breaks off, each byte once', async ({ rig }) => {
    const body = bytesOf('mine', 20 * MiB);
    const cut = { cut: { afterBytes: body.length / 2, by: 'fin' } as const };
    rig.origin.on(
      '/z',
      ranged(body, '"v1"', ({ headers }) => (headers.range ? {} : cut)),
    );

    const [outcome] = await rig.run(
      listOf(rig, ['/z'], { transform: ['module'] }),
      loading({ transform: () => new TransformStream() }),
    );

    expect(outcome).toMatchObject({ outcome: 'stored', resumes: 1, bytes: body.length });
    expect(body.equals(await readFile(join(rig.root, 'z')))).toBe(true);
  });

  it('fails its own item, wherever it throws, and no neighbour on the same connection or beside it', async ({
    rig,
  }) => {
    const paths = ['/fine', '/throws', '/timer', '/rejects', '/large', '/also-fine'];
    for (const path of paths) rig.origin.on(path, { body: bytesOf(path, 9 * MiB) });
    const transform = async function* (input: Input, { key }: TransformContext): AsyncGenerator<Uint8Array> {
      if (key === 'timer') setTimeout(() => JSON.parse('my timer'), 1);
      if (key === 'rejects') void Promise.reject(new Error('my promise'));
      for await (const chunk of input) {
        if (key === 'throws') throw new Error('my throw');
        if (key === 'timer' || key === 'rejects') await sleep(50);
        yield chunk;
      }
    };

    const outcomes = await rig.run(listOf(rig, paths, { transform: ['module'] }), loading({ transform }));

    const failed = (text: string) => ({
      outcome: 'failed',
      error: 'TransformFailed',
      message: expect.stringContaining(text),
      attempts: 1,
    });
    const fine = { outcome: 'stored', bytes: 9 * MiB };
    expect(outcomes).toMatchObject([fine, failed('my throw'), failed('my timer'), failed('my promise'), fine, fine]);
    expect(outcomes[1]?.message).toMatch(/at .*user-module\.test\.ts:\d+/);
    expect((await readdir(rig.root)).sort()).toEqual(['.skyhaul', 'also-fine', 'fine', 'large']);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('fails its items when it cannot be loaded, and those alone', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    rig.origin.on('/b', { body: 'b' });
    const items = [
      { url: rig.origin.url('/a'), key: 'a', transform: ['module'] },
      { url: rig.origin.url('/b'), key: 'b' },
    ];
    const userModule = () => Promise.reject(new Error('no such package'));

    const outcomes = await rig.run({ run: 'r', to: rig.root, items }, { userModule });

    expect(outcomes).toMatchObject([
      { outcome: 'failed', error: 'TransformFailed', message: expect.stringContaining('no such package') },
      { outcome: 'stored' },
    ]);
  });

  it('is refused before anything is fetched where it cannot do what is asked', async ({ rig }) => {
    const refused = async (item: object, given: object, message: string) => {
      const [outcome] = await rig.run({ ...listOf(rig, ['/a'], {}, item), run: `r-${message.length}` }, given);

      expect(outcome).toMatchObject({
        outcome: 'failed',
        error: 'BatchInvalid',
        message: expect.stringContaining(message),
      });
    };
    await refused({ transform: ['module'], result: 'object' }, loading({ consume: count }), 'makes no object');
    await refused({ transform: ['module', 'gzip'] }, loading({ consume: count }), 'exports only `consume`');

    expect(rig.origin.requests).toEqual([]);
  });

  it('is bound by the time that its item has', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const hang = () => new TransformStream<Uint8Array, Uint8Array>({ transform: () => new Promise(() => undefined) });

    const [outcome] = await rig.run(
      listOf(rig, ['/a'], { timeoutMs: 100 }, { transform: ['module'] }),
      loading({ transform: hang }),
    );

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'ItemTimeout' });
    expect(await leftovers(rig)).toEqual([]);
  });

  it('makes an object anew when it is another one, although the source did not change', async ({ rig }) => {
    rig.origin.on('/a', ({ headers }) =>
      headers['if-none-match'] === '"v1"'
        ? { status: 304, contentLength: 'none' }
        : { body: 'a', headers: { ETag: '"v1"' } },
    );
    const batch = (run: string) => ({ ...listOf(rig, ['/a'], { transform: ['module'] }), run });
    await rig.run(batch('one'), loading({ transform: upperCase }, 'v1'));

    const [same] = await rig.run(batch('two'), loading({ transform: upperCase }, 'v1'));
    const [other] = await rig.run(batch('three'), loading({ transform: () => new TransformStream() }, 'v2'));

    expect(same).toMatchObject({ outcome: 'skipped', reason: 'unchanged' });
    expect(other).toMatchObject({ outcome: 'stored' });
    expect(await readFile(join(rig.root, 'a'), 'utf8')).toBe('a');
  });
});

describe('a module that consumes', () => {
  it('stores nothing, and what it returns stands in the outcome', async ({ rig }) => {
    const body = bytesOf('mine', 9 * MiB);
    rig.origin.on('/a', { body: gzipSync(body, { level: 1 }), headers: { ETag: '"v1"' } });

    const [outcome] = await rig.run(
      listOf(rig, ['/a'], { transform: ['gunzip', 'module'] }),
      loading({ consume: count }),
    );

    const sha256 = createHash('sha256').update(body).digest('hex');
    expect(outcome).toMatchObject({
      outcome: 'stored',
      verified: 'length',
      sourceEtag: '"v1"',
      bytesIn: gzipSync(body, { level: 1 }).length,
      inline: { bytes: body.length, sha256 },
    });
    expect(await readdir(rig.root)).toEqual(['.skyhaul']);
  });

  it('does so where it could transform, too, when the item wants no object', async ({ rig }) => {
    rig.origin.on('/a', { body: 'abc' });
    const code = loading({ transform: upperCase, consume: count });
    const list = (run: string, result: string) => ({
      ...listOf(rig, ['/a'], {}, { transform: ['module'], result }),
      run,
    });

    const [none] = await rig.run(list('one', 'none'), code);
    const [object] = await rig.run(list('two', 'object'), code);
    const [inline] = await rig.run(list('three', 'inline'), code);

    expect(none).toMatchObject({ inline: { bytes: 3 } });
    expect(object).toMatchObject({ bytes: 3, objectEtag: expect.any(String) });
    expect(inline).toMatchObject({ inline: 'ABC' });
  });

  it('H68: counts for nothing when the source is not what was declared', async ({ rig }) => {
    rig.origin.on('/a', { body: 'abc' });

    const [outcome] = await rig.run(
      listOf(rig, ['/a'], { transform: ['module'] }, { sha256: '0'.repeat(64) }),
      loading({ consume: () => ({ done: true }) }),
    );

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'DigestMismatch' });
    expect(outcome?.inline).toBeUndefined();
  });

  it('says what it has to say in the events of the run', async ({ rig }) => {
    rig.origin.on('/a', { body: 'abc' });

    await rig.run(
      listOf(rig, ['/a'], { transform: ['module'] }),
      loading({ consume: (_input, { log }) => log('hello') }),
    );

    expect(rig.events).toContainEqual({ event: 'item.log', line: 1, message: 'hello' });
  });

  it('is not needed for an item that is only to be read and proven', async ({ rig }) => {
    rig.origin.on('/a', { body: 'abc' });
    rig.origin.on('/b', { body: 'abc' });
    const md5 = createHash('md5').update('abc').digest('hex');
    const item = (key: string, more: object) => ({ url: rig.origin.url(`/${key}`), key, result: 'none', ...more });

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items: [item('a', { md5 }), item('b', { md5: '0'.repeat(32) })],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'stored', verified: 'digest', bytesIn: 3 },
      { outcome: 'failed', error: 'DigestMismatch' },
    ]);
    expect(await readdir(rig.root)).toEqual(['.skyhaul']);
  });
});
