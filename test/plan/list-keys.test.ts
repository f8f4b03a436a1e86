import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { RunContext } from '../../lib/run-context.ts';
import { it, leftovers, type Rig } from '../support/run-context.ts';

/** A list of this text, as one of the destination's user. */
function listed(rig: Rig, name: string, text: string, options: object = {}) {
  const more: Partial<RunContext> = {
    openManifest: async () => {
      async function* bytes() {
        yield Buffer.from(text);
      }
      return { name, etag: '"1"', bytes: bytes() };
    },
  };
  return { input: { run: 'r', manifest: { uri: name }, to: rig.root, options }, more };
}

describe('patterns in a list', () => {
  it('end in exactly one outcome for each item, and the failed ones in a list of their own', async ({ rig }) => {
    for (const n of [1, 2, 4]) rig.origin.on(`/f${n}`, { body: `file ${n}` });
    const { input, more } = listed(rig, 'l.txt', `# all\n${rig.origin.url('/f{1..4}')}\n${rig.origin.url('/f1')}`);

    const outcomes = await rig.run(input, more);

    expect(outcomes.map(({ line, key, outcome, reason }) => [line, key?.split('/')[1], outcome, reason])).toEqual([
      [2, 'f1', 'stored', undefined],
      [2, 'f2', 'stored', undefined],
      [2, 'f3', 'failed', undefined],
      [2, 'f4', 'stored', undefined],
      [3, 'f1', 'skipped', 'duplicate'],
    ]);
    expect(rig.events).toContainEqual(expect.objectContaining({ event: 'run.planned', items: 4 }));
    const ended = rig.events.flatMap((event) => (event.event === 'item.ended' ? [event.index] : []));
    expect(ended.sort()).toEqual([0, 1, 2, 3]);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('past maxItems stop the run before anything is fetched', async ({ rig }) => {
    const { input, more } = listed(rig, 'l.txt', rig.origin.url('/f{1..2000000000}'), { maxItems: 1_000 });

    await expect(rig.run(input, more)).rejects.toMatchObject({
      name: 'ManifestInvalid',
      details: { problems: [expect.stringContaining('the pattern makes 2000000000 URLs')] },
    });
    expect(rig.origin.requests).toEqual([]);
  });
});

describe('sizes in a list', () => {
  it('that sum up to more than maxTotalBytes stop the run before anything is fetched', async ({ rig }) => {
    const size = (path: string, bytes: number) => JSON.stringify({ url: rig.origin.url(path), size: bytes });
    // The same line twice is fetched once.
    const text = [size('/a', 600), size('/a', 600), size('/b', 400)].join('\n');
    const fits = listed(rig, 'l.jsonl', text, { maxTotalBytes: 1_000 });
    const exceeds = listed(rig, 'l.jsonl', text, { maxTotalBytes: 999 });

    await expect(rig.plan(exceeds.input, rig.context(exceeds.more))).rejects.toMatchObject({
      name: 'ManifestInvalid',
      message: 'the sizes that the list declares sum up to 1000 bytes, maxTotalBytes is 999; nothing was fetched',
    });
    expect(await rig.plan(fits.input, rig.context(fits.more))).toMatchObject({ next: 'fan-out' });
  });
});

describe('a template of keys', () => {
  it('names the objects of a run, its day the same in every round', async ({ rig }) => {
    const day = new Date(rig.clock.now).toISOString().slice(0, 10);
    rig.origin.on('/a.bin', { body: 'a' });
    const { input, more } = listed(rig, 'l.csv', `url,who\n${rig.origin.url('/a.bin')},me`, {
      key: '{date}/{column:who}/{line:3}{ext}',
    });

    await rig.plan(input, rig.context(more));
    rig.clock.now += 48 * 3_600_000;

    expect(await rig.run({ run: 'r', to: rig.root })).toMatchObject([{ outcome: 'stored', key: `${day}/me/002.bin` }]);
  });

  it('under which two lines meet is refused before anything is fetched, with both lines', async ({ rig }) => {
    const text = [rig.origin.url('/a/x'), rig.origin.url('/b/x'), rig.origin.url('/c/{y,y?}')].join('\n');
    const { input, more } = listed(rig, 'l.txt', text, { key: 'all/{basename}' });

    await expect(rig.run(input, more)).rejects.toMatchObject({
      name: 'ManifestInvalid',
      details: {
        problems: [
          expect.stringContaining('lines 1 and 2 meet at the key "all/x"'),
          expect.stringContaining('two items of line 3 meet at the key "all/y"'),
        ],
      },
    });
    expect(rig.origin.requests).toEqual([]);
  });

  it('cuts what is too long around the name that a source gives, in the run and in the one that takes it up', async ({
    rig,
  }) => {
    const text = `url,x,y\n${rig.origin.url('/a')},{file,name}${'y'.repeat(900)}\n${rig.origin.url('/b')},q,${'y'.repeat(900)}`;
    const options = { key: '{column:x}{column:y}-{filename}' };
    const { input, more } = listed(rig, 'l.csv', text, options);
    rig.origin.on('/a', { headers: { 'Content-Disposition': 'attachment; filename="n.csv"' }, body: 'a' });

    const outcomes = await rig.run(input, more);
    const failed = JSON.parse(await readFile(join(rig.root, '.skyhaul/runs/r/failed.jsonl'), 'utf8'));
    rig.origin.on('/b', { headers: { 'Content-Disposition': 'attachment; filename="n.csv"' }, body: 'b' });
    const again = await rig.run({ run: 'again', items: [failed], to: rig.root });

    expect(outcomes.map(({ outcome, key }) => [outcome, key])).toEqual([
      ['stored', expect.stringMatching(/^_filename_y+~[0-9a-f]{16}n\.csv$/)],
      ['failed', expect.stringMatching(/^qy+~[0-9a-f]{16}\{filename\}$/)],
    ]);
    expect(again).toMatchObject([{ outcome: 'stored', key: expect.stringMatching(/^qy+~[0-9a-f]{16}n\.csv$/) }]);
  });

  it('that is none is refused before the list is read', async ({ rig }) => {
    const { input, more } = listed(rig, 'l.txt', rig.origin.url('/a'), { key: '{hosts}' });

    await expect(rig.run(input, more)).rejects.toMatchObject({
      name: 'BatchInvalid',
      message: expect.stringContaining('did you mean {host}?'),
    });
  });
});

describe('keys that a list says itself', () => {
  it.for([
    ['con.txt', 'a device name on Windows'],
    ['a /b', 'ends in a dot or a space'],
    [`a/${'n'.repeat(256)}`, 'a segment of 256 bytes'],
  ])('and no directory takes are found before anything is fetched: %s', async ([key = '', why], { rig }) => {
    const input = { run: 'r', items: [{ url: rig.origin.url('/a'), key }], to: rig.root };

    await expect(rig.run(input)).rejects.toMatchObject({
      name: 'ManifestInvalid',
      details: { problems: [expect.stringContaining(why ?? '')] },
    });
    expect(rig.origin.requests).toEqual([]);
    expect(await rig.plan({ ...input, run: 's3', to: 's3://bucket' })).toMatchObject({ next: 'fan-out' });
  });

  it('that differ in case only are refused where the file system makes no difference', async ({ rig }) => {
    const items = [
      { url: rig.origin.url('/a'), key: 'in/A.txt' },
      { url: rig.origin.url('/b'), key: 'in/a.txt' },
    ];
    await mkdir(join(rig.root, '.skyhaul'));
    expect(await rig.plan({ run: 'both', items, to: rig.root })).toMatchObject({ next: 'fan-out' });
    // What such a file system shows by itself.
    await symlink(join(rig.root, '.skyhaul'), join(rig.root, '.SKYHAUL'));

    await expect(rig.run({ run: 'r', items, to: rig.root })).rejects.toMatchObject({
      name: 'ManifestInvalid',
      details: { problems: [expect.stringContaining('lines 1 and 2 meet at the key "in/a.txt"')] },
    });
    expect(rig.origin.requests).toEqual([]);
  });

  it('in another Unicode form than what sources say are found before anything is fetched', async ({ rig }) => {
    const items = [
      { url: rig.origin.url('/a'), key: 'in/{filename}' },
      { url: rig.origin.url('/b'), key: 'in/u\u0308.txt' },
    ];

    await expect(rig.run({ run: 'r', items, to: rig.root })).rejects.toMatchObject({
      name: 'ManifestInvalid',
      details: { problems: [expect.stringContaining('the source of line 1 calls it may be the key of line 2')] },
    });
    expect(rig.origin.requests).toEqual([]);
  });
});
