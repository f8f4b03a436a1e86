import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect } from 'vitest';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { memoryContext, TO } from '../support/memory-context.ts';
import { type MemoryS3, startMemoryS3 } from '../support/memory-s3.ts';
import type { RecordedRequest } from '../support/origin.ts';
import type { Script } from '../support/origin-script.ts';
import { it, type Rig } from '../support/run-context.ts';

/** A list that is run a second time, with everything counted that the second time moves. */
const MODIFIED = 'Tue, 03 Nov 2026 10:00:00 GMT';
const DATE = 'Tue, 24 Nov 2026 08:00:00 GMT';
const SMALL = 'small';
const LARGE = { seed: 7, bytes: 9 * 1024 * 1024 };

let s3: MemoryS3;
beforeEach(async () => {
  s3 = await startMemoryS3({ buckets: ['bucket'] });
});
afterEach(() => s3.close());

type Body = NonNullable<Script['body']>;
interface Served {
  bodyBytes: number;
}

const sizeOf = (body: Body) => (typeof body === 'object' && 'seed' in body ? body.bytes : Buffer.byteLength(body));

/** Serves a body with some validators, and counts what it sends. `knows`: what it answers 304 to. */
function serve(
  rig: Rig,
  path: string,
  body: Body,
  headers: Record<string, string>,
  knows?: keyof typeof RULES,
): Served {
  const served = { bodyBytes: 0 };
  rig.origin.on(path, (request) => {
    if (knows && RULES[knows](request, headers)) return { status: 304, contentLength: 'none', headers };
    served.bodyBytes += sizeOf(body);
    return { body, headers };
  });
  return served;
}

const RULES = {
  etag: ({ headers }: RecordedRequest, own: Record<string, string>) => headers['if-none-match'] === own.ETag,
  date: ({ headers }: RecordedRequest, own: Record<string, string>) =>
    headers['if-modified-since'] === own['Last-Modified'],
};

async function run(rig: Rig, name: string, items: readonly object[], options: object = {}): Promise<Outcome[]> {
  const { openDestination } = memoryContext({ endpoint: s3.endpoint, memoryBytes: 0 }, 'a', () => undefined);
  return rig.run({ run: name, to: TO, items, options }, { openDestination });
}

const writes = () => s3.commits().length + s3.count('part') + s3.count('create');

describe('I11: a list that is run again', () => {
  it.for([
    ['a strong ETag', { ETag: '"v1"' }, 'etag'],
    ['a weak ETag', { ETag: 'W/"v1"' }, 'etag'],
    ['a weak ETag and a date', { ETag: 'W/"v1"', 'Last-Modified': MODIFIED, Date: DATE }, 'etag'],
    ['a date', { 'Last-Modified': MODIFIED, Date: DATE }, 'date'],
  ] as const)('moves no byte and writes nothing where the source has %s', async ([, headers, knows], { rig }) => {
    const served = [
      serve(rig, '/small', SMALL, headers, knows),
      serve(rig, '/large', LARGE, headers, knows),
      serve(rig, '/made', SMALL, headers, knows),
    ];
    const items = [
      { url: rig.origin.url('/small'), key: 'small' },
      { url: rig.origin.url('/large'), key: 'large' },
      { url: rig.origin.url('/made'), key: 'made', transform: ['gzip'] },
    ];
    const first = await run(rig, 'first', items);
    const [sent, written] = [served.map(({ bodyBytes }) => bodyBytes), writes()];

    const again = await run(rig, 'again', items);

    expect(first.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored']);
    expect(served.map(({ bodyBytes }) => bodyBytes)).toEqual(sent);
    expect(writes()).toBe(written);
    const why = { outcome: 'skipped', reason: 'unchanged', message: 'the source says so', status: 304 };
    expect(again).toMatchObject([why, why, why]);
  });

  it.for([
    ['same ETag', { ETag: '"v1"' }],
    ['same weak ETag and length', { ETag: 'W/"v1"', 'Last-Modified': MODIFIED, Date: DATE }],
    ['same Last-Modified and length', { 'Last-Modified': MODIFIED, Date: DATE }],
  ] as const)(
    'reads no body where a source that is asked for changes sends all with %s',
    async ([message, headers], { rig }) => {
      serve(rig, '/file', { seed: 1, bytes: 64 * 1024 * 1024 }, headers);
      serve(rig, '/made', SMALL, headers);
      const items = [
        { url: rig.origin.url('/file'), key: 'file', maxBytes: 64 * 1024 * 1024 },
        { url: rig.origin.url('/made'), key: 'made', transform: ['gzip'] },
      ];
      await run(rig, 'first', items);
      const written = writes();

      const again = await run(rig, 'again', items);

      const why = { outcome: 'skipped', reason: 'unchanged', message, status: 200 };
      expect(again).toMatchObject([why, why]);
      expect(again[0]).not.toHaveProperty('bytes');
      expect(writes()).toBe(written);
    },
  );

  it('writes nothing where the source has no mark at all: what comes is compared', async ({ rig }) => {
    const served = serve(rig, '/file', SMALL, {});
    const items = [
      { url: rig.origin.url('/file'), key: 'file' },
      { url: rig.origin.url('/file'), key: 'made', transform: ['gzip'] },
    ];
    await run(rig, 'first', items);
    const written = writes();

    const again = await run(rig, 'again', items);

    const why = { outcome: 'skipped', reason: 'unchanged', message: 'same length and CRC-32', status: 200 };
    expect(again).toMatchObject([why, why]);
    expect(served.bodyBytes).toBe(4 * SMALL.length);
    expect(writes()).toBe(written);
  });

  it('asks nobody where the list declares the digest that the object was proven by', async ({ rig }) => {
    serve(rig, '/file', SMALL, {});
    const digest = (name: string) => createHash(name).update(SMALL).digest('hex');
    const url = rig.origin.url('/file');
    const items = [
      { url, key: 'sha256', sha256: digest('sha256'), size: SMALL.length },
      { url, key: 'md5', md5: digest('md5') },
      { url, key: 'made', sha256: digest('sha256'), transform: ['gzip'] },
    ];
    await run(rig, 'first', items);
    const asked = rig.origin.requests.length;
    // Bytes are what they are, wherever they come from.
    const moved = items.map((item) => ({ ...item, url: rig.origin.url('/moved') }));

    const again = await run(rig, 'again', moved);

    expect(rig.origin.requests.length).toBe(asked);
    expect(again.map(({ outcome, message }) => [outcome, message])).toEqual([
      ['skipped', 'has the declared sha256'],
      ['skipped', 'has the declared md5'],
      ['skipped', 'has the declared sha256'],
    ]);
  });

  it('fetches what is declared otherwise than it was, and what is to be made otherwise', async ({ rig }) => {
    const served = serve(rig, '/file', SMALL, { ETag: '"v1"' }, 'etag');
    const url = rig.origin.url('/file');
    const sha256 = createHash('sha256').update(SMALL).digest('hex');
    await run(rig, 'first', [
      { url, key: 'digest', sha256 },
      { url, key: 'size' },
      { url, key: 'made', sha256, transform: ['gzip'] },
    ]);
    served.bodyBytes = 0;

    const again = await run(rig, 'again', [
      { url, key: 'digest', sha256: '0'.repeat(64) },
      { url, key: 'size', size: SMALL.length + 1 },
      { url, key: 'made', sha256, transform: ['zstd'] },
    ]);

    expect(again.map(({ outcome, error }) => error ?? outcome)).toEqual(['DigestMismatch', 'SizeMismatch', 'stored']);
  });

  it('is asked about by its ETag also where the list declares the size that it has', async ({ rig }) => {
    const served = serve(rig, '/file', SMALL, { ETag: '"v1"' }, 'etag');
    const items = [{ url: rig.origin.url('/file'), key: 'file', size: SMALL.length }];
    await run(rig, 'first', items);

    expect(await run(rig, 'again', items)).toMatchObject([{ outcome: 'skipped', status: 304 }]);
    expect(served.bodyBytes).toBe(SMALL.length);
  });

  it('replaces what has changed, by any of the marks', async ({ rig }) => {
    const kinds = [{ ETag: '"v1"' }, { ETag: 'W/"v1"' }, { 'Last-Modified': MODIFIED, Date: DATE }, {}] as const;
    const items = kinds.map((_, at) => ({ url: rig.origin.url(`/${at}`), key: `${at}` }));
    for (const [at, headers] of kinds.entries()) serve(rig, `/${at}`, 'older', headers);
    await run(rig, 'first', items);
    for (const [at, headers] of kinds.entries()) {
      const later = { ...('ETag' in headers && { ETag: headers.ETag.replace('1', '2') }) };
      const date = 'Last-Modified' in headers && { 'Last-Modified': 'Wed, 04 Nov 2026 10:00:00 GMT', Date: DATE };
      serve(rig, `/${at}`, 'newer', { ...later, ...date }, 'ETag' in later ? 'etag' : date ? 'date' : undefined);
    }

    const again = await run(rig, 'again', items);

    expect(again.map(({ outcome }) => outcome)).toEqual(Array(4).fill('stored'));
    for (const { key } of items) expect(String(s3.bytesOf('bucket', `data/${key}`))).toBe('newer');
  });

  it('RFC 9110 8.8.2.2: takes no date for a mark that was as fresh as the answer, nor a weak ETag beside it', async ({
    rig,
  }) => {
    const fresh = { 'Last-Modified': DATE, Date: DATE };
    const served = [
      serve(rig, '/date', 'old', fresh, 'date'),
      serve(rig, '/weak', 'old', { ...fresh, ETag: 'W/"1"' }, 'etag'),
    ];
    const items = ['date', 'weak'].map((key) => ({ url: rig.origin.url(`/${key}`), key }));
    await run(rig, 'first', items);
    served.push(
      serve(rig, '/date', 'new', fresh, 'date'),
      serve(rig, '/weak', 'new', { ...fresh, ETag: 'W/"1"' }, 'etag'),
    );

    const again = await run(rig, 'again', items);

    expect(again.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
  });

  it('asks again without conditions where an older file was put in the place of a newer one', async ({ rig }) => {
    serve(rig, '/file', 'newer', { 'Last-Modified': MODIFIED, Date: DATE });
    const items = [{ url: rig.origin.url('/file'), key: 'file' }];
    await run(rig, 'first', items);
    const headers = { 'Last-Modified': 'Mon, 02 Nov 2026 10:00:00 GMT', Date: DATE };
    rig.origin.on('/file', (request) =>
      'if-modified-since' in request.headers
        ? { status: 304, contentLength: 'none', headers }
        : { body: 'older', headers },
    );

    expect(await run(rig, 'again', items)).toMatchObject([{ outcome: 'stored' }]);
    expect(String(s3.bytesOf('bucket', 'data/file'))).toBe('older');
  });
});
