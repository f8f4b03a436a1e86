import { describe, expect } from 'vitest';
import { batchInput } from '../../lib/contract/batch-input.ts';
import type { GivenOptions } from '../../lib/contract/merge-options.ts';
import { readRunInput, settleInput } from '../../lib/plan/run-input.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

const auth = { type: 'bearer', token: 't' } as const;

async function refusal(rig: Rig, input: unknown, more: Parameters<Rig['context']>[0] = {}) {
  return rig.plan(input, rig.context(more)).then(
    () => 'planned',
    (error: Error & { details: { problems?: readonly string[] } }) => ({
      name: error.name,
      problems: error.details.problems ?? [error.message],
    }),
  );
}

async function optionsOf(rig: Rig, run = 'r') {
  const asked = await readRunInput(rig.context().state, run);
  return asked?.input.options;
}

describe('the defaults of a deployment', () => {
  const defaults: GivenOptions = { attempts: 2, request: { headers: { 'x-team': 'a', accept: 'text/csv' } } };

  it('reach the source, below the batch and the item', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const options = { request: { headers: { Accept: 'image/png' } } };
    const items = [{ url: rig.origin.url('/a'), headers: { 'X-Item': '1' } }];

    await rig.run({ run: 'r', items, to: rig.root, options }, { defaults });

    expect(rig.origin.requests[0]?.headers).toMatchObject({ 'x-team': 'a', accept: 'image/png', 'x-item': '1' });
    expect(await optionsOf(rig)).toMatchObject({ attempts: 2, idleTimeoutMs: 30_000 });
  });

  it('are those that the run began with, also when it goes on under others', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const input = listOf(rig, ['/a'], { maxRedirects: 3 });

    await rig.plan(input, rig.context({ defaults }));
    const later = { defaults: { attempts: 9, maxRedirects: 1 } };
    await rig.plan({ run: 'r', to: rig.root }, rig.context(later));
    await rig.plan(input, rig.context(later));

    expect(await optionsOf(rig)).toMatchObject({ attempts: 2, maxRedirects: 3 });
    expect(await refusal(rig, listOf(rig, ['/a'], { maxRedirects: 4 }), later)).toMatchObject({
      name: 'RunInputDiffers',
    });
  });

  it('stand below a batch that was handed over by its name alone', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const { state } = rig.context();
    const given = { maxRedirects: 3 };
    const input = batchInput.parse(listOf(rig, ['/a'], given));
    await settleInput(state, 'r', input, rig.clock.now, true, { given });

    await rig.plan({ run: 'r', to: rig.root }, rig.context({ defaults: { attempts: 2, maxRedirects: 1 } }));

    expect(await optionsOf(rig)).toMatchObject({ attempts: 2, maxRedirects: 3 });
  });

  it('that do not fit what a batch asks for are refused before anything is fetched', async ({ rig }) => {
    const headers = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`x-${index}`, '1']));
    const others = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`y-${index}`, '1']));
    const input = listOf(rig, ['/a'], { request: { headers: others } });

    expect(await refusal(rig, input, { defaults: { request: { headers } } })).toMatchObject({ name: 'BatchInvalid' });
    expect(rig.origin.requests).toEqual([]);
  });
});

describe('the limits of a deployment', () => {
  it('hold whatever is asked for, and say so', async ({ rig }) => {
    for (const path of ['/a', '/b', '/c']) rig.origin.on(path, { body: '12345' });
    const items = ['/a', '/b', '/c'].map((path, at) => ({
      url: rig.origin.url(path),
      ...(at === 1 && { maxBytes: 9 }),
    }));
    const limits = { perHostConnections: 1, maxBytes: 4 };

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options: { perHostConnections: 8 } }, { limits });

    expect(outcomes.map(({ error }) => error)).toEqual(['TooLarge', 'TooLarge', 'TooLarge']);
    const planned = rig.events.find(({ event }) => event === 'run.planned');
    expect(planned).toMatchObject({ shards: 1, lowered: ['perHostConnections'] });
  });

  it('say nothing about a batch that is within them', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });

    await rig.run(listOf(rig, ['/a'], { perHostConnections: 1 }), { limits: { perHostConnections: 2, maxBytes: 10 } });

    expect(rig.events.find(({ event }) => event === 'run.planned')).not.toHaveProperty('lowered');
  });
});

describe('what cannot work is found before the first request', () => {
  const csv = (where: string) => ({ transform: [{ name: 'csv', where }] });

  it('in the list, every line of it', async ({ rig }) => {
    const url = rig.origin.url('/a');
    const items = [
      { url, key: '1', ...csv('a =') },
      { url, key: '2', ...csv('a = 1') },
      { url, key: '3', auth, headers: { authorization: 'x' } },
      { url, key: '4', result: 'inline', transform: ['untar'] },
      { url, key: '5', result: 'head', md5: '0'.repeat(32) },
      { url, key: '6', transform: ['module'] },
    ];

    const refused = await refusal(rig, { run: 'r', items, to: rig.root });

    expect(refused).toMatchObject({
      name: 'ManifestInvalid',
      problems: [
        expect.stringMatching(/^line 1: `transform`: .*where/),
        'line 3: `auth` and a header `authorization` cannot be given together',
        'line 4: `untar` makes objects, and `result` is `inline`',
        'line 5: `md5` needs the body, which `head` does not read',
        expect.stringMatching(/^line 6: `transform`: `module` needs code of your own: `--module/),
      ],
    });
    expect(rig.origin.requests).toEqual([]);
  });

  it.for<[object, string | RegExp]>([
    [csv('a ='), /where/],
    [{ transform: [{ name: 'csv', select: ['a', 'a'] }] }, /stands twice/],
    [{ transform: ['module'] }, /code of your own/],
    [{ request: { auth, headers: { Authorization: 'x' } } }, /cannot be given together/],
  ])('in the options: %j', async ([options, text], { rig }) => {
    const refused = await refusal(rig, listOf(rig, ['/a'], options));

    expect(refused).toMatchObject({ name: 'BatchInvalid', problems: [expect.stringMatching(text)] });
    expect(rig.origin.requests).toEqual([]);
  });

  it('where the batch makes an item impossible', async ({ rig }) => {
    const refused = await refusal(rig, listOf(rig, ['/a'], { transform: ['untar'] }, { result: 'inline' }));

    expect(refused).toMatchObject({ name: 'ManifestInvalid' });
  });
});

describe('a run through a module of the user’s own', () => {
  const hasUserModule = true;

  it('is begun where there is one, though Plan itself has not got it', async ({ rig }) => {
    expect(await refusal(rig, listOf(rig, ['/a'], { transform: ['module'] }), { hasUserModule })).toBe('planned');
  });

  it.for<[string, object, object]>([
    ['its batch', { transform: ['module'] }, {}],
    ['one of its items', {}, { transform: ['module'] }],
  ])('that %s names is not gone on with when there is none any more', async ([, options, item], { rig }) => {
    await rig.plan(listOf(rig, ['/a'], options, item), rig.context({ hasUserModule }));

    const refused = await refusal(rig, { run: 'r', to: rig.root });

    expect(refused).toMatchObject({
      name: 'BatchInvalid',
      problems: [expect.stringMatching(/^run r goes through a module of your own: continue it with `--module/)],
    });
    expect(await refusal(rig, { run: 'r', to: rig.root }, { hasUserModule })).toBe('planned');
  });

  it('asks for none when nothing of the list needs it', async ({ rig }) => {
    await rig.plan(listOf(rig, ['/a']), rig.context({ hasUserModule }));

    expect(await refusal(rig, { run: 'r', to: rig.root })).toBe('planned');
  });
});
