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
