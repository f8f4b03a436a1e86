import { describe, expect } from 'vitest';
import { openLocalStore } from '../../lib/store/local-store.ts';
import type { ObjectOptions, ObjectStore } from '../../lib/store/object-store.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

const MODIFIED = 'Tue, 03 Nov 2026 10:00:00 GMT';
const OPTIONS = {
  storageClass: 'STANDARD_IA',
  tags: { team: 'data' },
  cacheControl: 'no-store',
  kmsKeyId: 'alias/downloads',
} as const;

/** A run whose objects' descriptions are seen on their way into the store. */
async function describedBy(rig: Rig, options: object, items: object = {}) {
  const seen: ObjectOptions[] = [];
  const openDestination = (to: string): ObjectStore => {
    const store = openLocalStore(to);
    const { put, createUpload } = store;
    return Object.assign(store, {
      put: (...given: Parameters<typeof put>) => {
        seen.push(given[2]);
        return put.apply(store, given);
      },
      createUpload: (...given: Parameters<typeof createUpload>) => {
        seen.push(given[1]);
        return createUpload.apply(store, given);
      },
    });
  };
  const outcomes = await rig.run(listOf(rig, ['/f'], options, items), { openDestination });
  expect(outcomes).toMatchObject([{ outcome: 'stored' }]);
  return seen;
}

describe('how an object is described', () => {
  it.for([
    ['small', 10, {}],
    ['large', 20_000_000, {}],
    ['transformed', 10, { transform: ['lines'] }],
  ] as const)(
    'a %s one is given what the options say, and when its source changed',
    async ([, bytes, item], { rig }) => {
      rig.origin.on('/f', { body: bytesOf(1, bytes), headers: { 'Last-Modified': MODIFIED } });

      const [object] = await describedBy(rig, OPTIONS, item);

      expect(object).toMatchObject({ ...OPTIONS, metadata: { 'skyhaul-source-modified': MODIFIED } });
    },
  );

  it('a date that is none is left out', async ({ rig }) => {
    rig.origin.on('/f', { body: 'x', headers: { 'Last-Modified': 'yesterday' } });

    const [object] = await describedBy(rig, {});

    expect(object?.metadata).not.toHaveProperty('skyhaul-source-modified');
    expect(object).not.toHaveProperty('tags');
  });
});

describe('what an object says of its source', () => {
  it('notes by what the source can be asked again, and the digests that were proven', async ({ rig }) => {
    const date = 'Tue, 24 Nov 2026 08:00:00 GMT';
    const md5 = '9dd4e461268c8034f5c8564e155c67a6';
    rig.origin.on('/f', { body: 'x', headers: { 'Last-Modified': MODIFIED, Date: date, ETag: 'W/"1"' } });

    const [object] = await describedBy(rig, {}, { md5 });

    expect(object?.metadata).toMatchObject({
      'skyhaul-source-modified': MODIFIED,
      'skyhaul-source-settled': MODIFIED,
      'skyhaul-source-weak-etag': 'W/"1"',
      'skyhaul-md5': md5,
    });
    expect(object?.metadata).not.toHaveProperty('skyhaul-source-etag');
  });

  it('leaves the 2 KiB that S3 takes to the user, however long the URL', async ({ rig }) => {
    const metadata = { a: 'x'.repeat(1_000) };
    const etag = `"${'e'.repeat(600)}"`;
    const path = `/${'long/'.repeat(400)}f`;
    rig.origin.on(path, { body: 'x', headers: { ETag: etag, 'Last-Modified': MODIFIED } });

    const [object] = await describedBy(rig, {}, { url: rig.origin.url(path), metadata, transform: ['lines'] });

    const said = Object.entries(object?.metadata ?? {});
    expect(said.reduce((sum, [name, value]) => sum + name.length + value.length, 0)).toBeLessThanOrEqual(2_048);
    expect(object?.metadata).toMatchObject({ ...metadata, 'skyhaul-run': expect.any(String) });
    expect(object?.metadata?.['skyhaul-source']).toHaveLength(512);
  });
});
