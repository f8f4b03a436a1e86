import { readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { it, leftovers, listOf } from '../support/run-context.ts';

describe('a result that is no object', () => {
  it('stands in the outcome: text as text, other bytes in base64, also of what transforms make', async ({ rig }) => {
    rig.origin.on('/text', { body: 'grüße\n' });
    rig.origin.on('/bytes', { body: Buffer.from([0xff, 0x00]) });
    rig.origin.on('/rows', { body: gzipSync('a,b\n1,2\n3,4\n') });
    const item = (key: string, transform?: unknown) => ({
      url: rig.origin.url(`/${key}`),
      key,
      result: 'inline',
      ...(transform !== undefined && { transform }),
    });

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items: [item('text'), item('bytes'), item('rows', ['gunzip', { name: 'csv', where: 'a = 3', select: ['b'] }])],
    });

    expect(outcomes).toMatchObject([
      { outcome: 'stored', inline: 'grüße\n', verified: 'length' },
      { outcome: 'stored', inline: { base64: '/wA=' } },
      { outcome: 'stored', inline: 'b\n4\n', rowsOut: 1 },
    ]);
    expect(await readdir(rig.root)).toEqual(['.skyhaul']);
  });

  it('is refused where it is larger than an outcome may be', async ({ rig }) => {
    rig.origin.on('/large', { body: 'x'.repeat(16 * 1024 + 1) });

    const [outcome] = await rig.run(listOf(rig, ['/large'], {}, { result: 'inline' }));

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'TooLarge' });
    expect(await leftovers(rig)).toEqual([]);
  });

  it('is what the source says of itself, whose body is not read', async ({ rig }) => {
    const headers = { 'Content-Type': 'image/png', ETag: '"v1"', 'Last-Modified': 'Tue, 24 Nov 2026 08:00:00 GMT' };
    rig.origin.on('/head', { body: { seed: 1, bytes: 1e12 }, headers });

    const [outcome] = await rig.run(listOf(rig, ['/head'], {}, { result: 'head' }));

    expect(outcome).toMatchObject({
      outcome: 'stored',
      status: 200,
      sourceEtag: '"v1"',
      inline: { bytes: 1e12, contentType: 'image/png', lastModified: 'Tue, 24 Nov 2026 08:00:00 GMT' },
    });
  });

  it('is not what the list says when the source says another size, and its body is not asked for that', async ({
    rig,
  }) => {
    rig.origin.on('/head', { body: { seed: 1, bytes: 1_000 } });

    const [wrong] = await rig.run(listOf(rig, ['/head'], {}, { result: 'head', size: 999 }));
    const [right] = await rig.run({ ...listOf(rig, ['/head'], {}, { result: 'head', size: 1_000 }), run: 'again' });

    expect(wrong).toMatchObject({ outcome: 'failed', error: 'SizeMismatch' });
    expect(right).toMatchObject({ outcome: 'stored', inline: { bytes: 1_000 } });
  });
});
