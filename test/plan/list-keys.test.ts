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

  it('that is none is refused before the list is read', async ({ rig }) => {
    const { input, more } = listed(rig, 'l.txt', rig.origin.url('/a'), { key: '{hosts}' });

    await expect(rig.run(input, more)).rejects.toMatchObject({
      name: 'BatchInvalid',
      message: expect.stringContaining('did you mean {host}?'),
    });
  });
});
