import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect } from 'vitest';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, leftovers, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const BODY = bytesOf('resume', 20 * MiB + 7);
const OTHER = bytesOf('other', 20 * MiB + 7);
const cutAt = (afterBytes: number) => ({ cut: { afterBytes, by: 'fin' } as const });

async function stored(rig: Rig, key: string): Promise<Buffer> {
  return readFile(join(rig.root, key));
}

/** What was asked for, range by range. */
function ranges(rig: Rig): string[] {
  return rig.origin.requests.map(({ headers }) => headers.range ?? 'all');
}

describe('a body that breaks off', () => {
  it('H01, H37: goes on at the very byte where it broke off, and every byte is fetched once', async ({ rig }) => {
    let cuts = 0;
    rig.origin.on(
      '/f',
      ranged(BODY, '"v1"', () => (++cuts <= 3 ? cutAt(6 * MiB) : {})),
    );

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1, resumes: 3, crc32: hex(crc32(BODY)) });
    expect(BODY.equals(await stored(rig, 'f'))).toBe(true);
    const asked = ranges(rig).map((range) => Number(/=(\d+)-/.exec(range)?.[1] ?? 0));
    expect(asked).toEqual([0, 6 * MiB, 12 * MiB, 18 * MiB]);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H38, H43, H45: starts again at byte 0 when the source is another one, and never joins the two', async ({
    rig,
  }) => {
    let asked = 0;
    rig.origin.on('/f', (request) => {
      asked += 1;
      return asked === 1 ? ranged(BODY, '"v1"', cutAt(12 * MiB))(request) : ranged(OTHER, '"v2"')(request);
    });

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"', crc32: hex(crc32(OTHER)) });
    expect(OTHER.equals(await stored(rig, 'f'))).toBe(true);
    // The answer that showed the change is the new beginning: nobody asks a third time.
    expect(asked).toBe(2);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H43: gives a source up that is another one each time, as SourceUnstable', async ({ rig }) => {
    let version = 0;
    rig.origin.on('/f', (request) => {
      version += 1;
      return ranged(BODY, `"v${version}"`, cutAt(9 * MiB))(request);
    });

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'SourceUnstable' });
    expect(version).toBe(5);
    await expect(stored(rig, 'f')).rejects.toThrow('ENOENT');
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H44, H52: never joins what has no strong validator', async ({ rig }) => {
    let asked = 0;
    rig.origin.on('/f', () => {
      asked += 1;
      const body = asked === 1 ? BODY : OTHER;
      return { body, headers: { ETag: 'W/"same"' }, ...(asked === 1 && cutAt(12 * MiB)) };
    });

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'stored', crc32: hex(crc32(OTHER)), attempts: 2 });
    expect(outcome).not.toHaveProperty('resumes');
    expect(ranges(rig)).toEqual(['all', 'all']);
  });

  it('H38: reads a source that ignores ranges in one go, and joins nothing', async ({ rig }) => {
    let asked = 0;
    rig.origin.on('/f', () => {
      asked += 1;
      return { body: BODY, headers: { ETag: '"v1"' }, ...(asked === 1 && cutAt(12 * MiB)) };
    });

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'stored', crc32: hex(crc32(BODY)) });
    expect(BODY.equals(await stored(rig, 'f'))).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('resumes a chunked body without a length, too, when its version is pinned', async ({ rig }) => {
    let asked = 0;
    rig.origin.on('/f', (request) => {
      asked += 1;
      return ranged(BODY, '"v1"', asked === 1 ? { framing: 'chunked', ...cutAt(12 * MiB) } : {})(request);
    });

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1, resumes: 1, crc32: hex(crc32(BODY)) });
    expect(BODY.equals(await stored(rig, 'f'))).toBe(true);
  });

  it('H68: checks a declared digest over all answers, and an announced one', async ({ rig }) => {
    const sha256 = createHash('sha256').update(BODY).digest('hex');
    const md5 = createHash('md5').update(OTHER).digest('base64');
    const file = ranged(BODY, '"v1"', ({ headers }) => (headers.range ? {} : cutAt(10 * MiB)));
    rig.origin.on('/good', file);
    rig.origin.on('/bad', file);
    rig.origin.on('/announced', { body: BODY, headers: { 'Content-MD5': md5 } });

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items: [
        { url: rig.origin.url('/good'), key: 'good', sha256 },
        { url: rig.origin.url('/bad'), key: 'bad', sha256: '0'.repeat(64) },
        { url: rig.origin.url('/announced'), key: 'announced' },
      ],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'stored', verified: 'digest', sha256, resumes: 1 },
      { outcome: 'failed', error: 'DigestMismatch' },
      { outcome: 'failed', error: 'DigestMismatch' },
    ]);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H60: asks the original URL again, wherever its redirect leads by then', async ({ rig }) => {
    let asked = 0;
    rig.origin.on('/f', () => ({ status: 302, headers: { Location: `/signed-${++asked}` } }));
    rig.origin.on('/signed-1', ranged(BODY, '"v1"', cutAt(12 * MiB)));
    rig.origin.on('/signed-2', ranged(BODY, '"v1"'));

    const [outcome] = await rig.run(listOf(rig, ['/f']));

    expect(outcome).toMatchObject({ outcome: 'stored', resumes: 1 });
    expect(BODY.equals(await stored(rig, 'f'))).toBe(true);
  });

  it('I6: fails when it never comes forward, however often it may try', async ({ rig }) => {
    rig.origin.on(
      '/f',
      ranged(BODY, '"v1"', (request) => (request.headers.range ? cutAt(10) : cutAt(9 * MiB))),
    );

    const [outcome] = await rig.run(listOf(rig, ['/f'], { attempts: 4 }));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'ConnectionLost', attempts: 4 });
    expect(await leftovers(rig)).toEqual([]);
  });
});

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}
