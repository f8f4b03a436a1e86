import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { exitCodeOf } from '../../cli/exit-code.ts';
import { summaryLines } from '../../cli/summary-view.ts';
import { getLines } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { passedLimit, shardLimits, withinBytes } from '../../lib/plan/limits.ts';
import type { Left } from '../../lib/plan/status.ts';
import { Tally } from '../../lib/transfer/tally.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, leftovers, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const pathsTo = (count: number) => Array.from({ length: count }, (_, index) => `/${index}`);

async function summaryOf(rig: Rig) {
  return JSON.parse(await readFile(join(rig.root, '.skyhaul', 'runs', 'r', 'summary.json'), 'utf8'));
}

async function failedOf(rig: Rig): Promise<{ url: string; error: { name: string; message: string } }[]> {
  const found = [];
  for await (const line of getLines(rig.context().state, runKeys('r').failed)) found.push(line);
  return found as never;
}

describe('maxFailures', () => {
  it('ends the run behind so many, finishes what is under way, and reports the rest as LimitReached', async ({
    rig,
  }) => {
    const paths = pathsTo(200);

    const outcomes = await rig.run(listOf(rig, paths, { maxFailures: 3 }), { tally: new Tally() });

    const names = outcomes.map(({ error }) => error);
    expect(outcomes.map(({ line }) => line)).toEqual(paths.map((_, index) => index + 1));
    expect(names.filter((name) => name === 'NotFound').length).toBe(rig.origin.requests.length);
    // The fourth ends it; each of the other connections may have had one under way.
    expect(rig.origin.requests.length).toBeGreaterThanOrEqual(4);
    expect(rig.origin.requests.length).toBeLessThanOrEqual(4 + 5);
    const left = outcomes.find(({ error }) => error === 'LimitReached');
    expect(left).toMatchObject({ attempts: 0, message: expect.stringContaining('more than maxFailures 3') });
    expect(names.filter((name) => name === 'LimitReached').length).toBe(200 - rig.origin.requests.length);
    const summary = await summaryOf(rig);
    expect(exitCodeOf(summary)).toBe(3);
    const view = { summary, to: rig.root, causes: [], again: 9, retry: { command: '' }, cwd: '/' };
    expect(summaryLines(view).join('\n')).toMatch(/ended at a limit: \d+ lines failed, more than maxFailures 3\./);
  });

  it('hands the rest back as a list that a later run takes up', async ({ rig }) => {
    const paths = pathsTo(40);
    await rig.run(listOf(rig, paths, { maxFailures: 0, perHostConnections: 1 }), { tally: new Tally() });
    for (const path of paths) rig.origin.on(path, { body: path });
    const failed = await failedOf(rig);

    const outcomes = await rig.run({ run: 'again', items: failed, to: rig.root });

    expect(failed.map(({ error }) => error.name)).toEqual(['NotFound', ...Array(39).fill('LimitReached')]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array(40).fill('stored'));
  });

  it('lets a run go on that has just so many', async ({ rig }) => {
    for (const path of pathsTo(20).slice(3)) rig.origin.on(path, { body: path });

    const outcomes = await rig.run(listOf(rig, pathsTo(20), { maxFailures: 3 }), { tally: new Tally() });

    expect(outcomes.filter(({ outcome }) => outcome === 'stored').length).toBe(17);
  });

  it('deployed, is heard of by the workers of other shards', async ({ rig }) => {
    const paths = pathsTo(400);
    const deployed = () => rig.context({ inProcess: false, deadline: rig.clock.now + 900_000, memoryBytes: 512 * MiB });
    const options = { maxFailures: 2, perHostConnections: 40 };
    const plan = await rig.plan(listOf(rig, paths, options), deployed());
    const [first, ...others] = plan.shards;
    expect(others.length).toBeGreaterThan(0);

    await rig.transfer({ ...plan, shards: first ? [first] : [] }, deployed());
    const asked = rig.origin.requests.length;
    const answers = await rig.transfer({ ...plan, shards: others }, deployed());

    expect(asked).toBeGreaterThan(2);
    expect(rig.origin.requests.length).toBe(asked);
    expect(new Set(answers.map(({ next }) => next))).toEqual(new Set(['done']));
    expect(await rig.plan(plan, deployed())).toMatchObject({ next: 'report' });
  });
});

describe('maxTotalBytes', () => {
  it('takes what still fits, and leaves out what is known not to', async ({ rig }) => {
    rig.origin.on('/unknown', { body: 'x'.repeat(60) });
    rig.origin.on('/large', [{ status: 503, headers: { 'Retry-After': '60' } }, { body: 'x'.repeat(50) }]);
    rig.origin.on('/small', { body: 'x'.repeat(20) });
    const itemOf = (key: string, size?: number) => ({ url: rig.origin.url(`/${key}`), key, size });
    const items = [itemOf('unknown'), itemOf('large', 50), itemOf('small', 20)];
    const options = { maxTotalBytes: 100, perHostConnections: 1 };

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options });

    expect(outcomes.map(({ error }) => error)).toEqual([undefined, 'LimitReached', undefined]);
    expect(outcomes[1]).toMatchObject({ attempts: 1, message: expect.stringContaining('maxTotalBytes 100') });
    expect((await summaryOf(rig)).bytes).toBe(80);
  });

  it('of unknown sizes begins none once it is reached', async ({ rig }) => {
    for (const path of pathsTo(100)) rig.origin.on(path, { body: 'x'.repeat(10) });
    const options = { maxTotalBytes: 200 };

    const outcomes = await rig.run(listOf(rig, pathsTo(100), options), { tally: new Tally() });

    const stored = outcomes.filter(({ outcome }) => outcome === 'stored').length;
    expect(stored).toBeGreaterThanOrEqual(20);
    // Five other connections may each have had one under way.
    expect(stored).toBeLessThanOrEqual(25);
    expect(outcomes.filter(({ error }) => error === 'LimitReached').length).toBe(100 - stored);
  });

  it('deployed, is shared out, and used up over the rounds', async ({ rig }) => {
    for (const path of pathsTo(100)) rig.origin.on(path, { body: 'x'.repeat(10) });
    const deployed = { inProcess: false, memoryBytes: 512 * MiB };
    const more = { ...deployed, deadline: rig.clock.now + 1e9 };

    const outcomes = await rig.run(listOf(rig, pathsTo(100), { maxTotalBytes: 500 }), more);

    const stored = outcomes.filter(({ outcome }) => outcome === 'stored').length;
    expect(stored).toBeGreaterThanOrEqual(50);
    expect(stored).toBeLessThanOrEqual(50 + 6 * 2);
  });

  it('never lets known sizes exceed it: any order, any limit', () => {
    const sizes = fc.array(fc.option(fc.nat(50), { nil: undefined }), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 300 }), (given, bytesLeft) => {
        const items = given.map(
          (bytes, index): Left => ({
            index,
            line: index + 1,
            host: 'a',
            attempts: 0,
            notBefore: 0,
            crashes: 0,
            ...(bytes !== undefined && { bytes }),
          }),
        );

        const admitted = withinBytes(items, bytesLeft);

        const sum = admitted.reduce((total, { bytes = 0 }) => total + bytes, 0);
        expect(sum).toBeLessThanOrEqual(bytesLeft);
        // Whoever was left out would not have fitted any more.
        for (const item of items)
          if (!admitted.includes(item)) expect(sum + (item.bytes ?? 1)).toBeGreaterThan(bytesLeft - 1);
        expect(admitted.map(({ index }) => index)).toEqual(admitted.map(({ index }) => index).sort((a, b) => a - b));
      }),
    );
  });
});

describe('maxHours', () => {
  it('leaves nothing open, says so of each line, and how often it was tried', async ({ rig }) => {
    rig.clock.now = Date.now();
    rig.origin.on('/large', ranged(bytesOf('large', 40 * MiB), '"v1"', { stall: { afterBytes: 20 * MiB } }));
    rig.origin.on('/busy', { status: 503, headers: { 'Retry-After': '1800' } });
    const options = { maxHours: 1, idleTimeoutMs: 200, attempts: 99 };
    const input = listOf(rig, ['/large', '/busy'], options);
    const plan = await rig.plan(input);
    await rig.transfer(plan);
    rig.clock.now += 3_600_000;

    const outcomes = await rig.run({ run: 'r', to: rig.root });

    expect(outcomes.map(({ error }) => error)).toEqual(['LimitReached', 'LimitReached']);
    expect(outcomes[1]).toMatchObject({ attempts: 1, message: expect.stringContaining('maxHours 1') });
    expect(await leftovers(rig)).toEqual([]);
  });
});

describe('limits', () => {
  it('are named in what is said of them', () => {
    expect(passedLimit({ failed: 4, bytes: 0 }, { maxFailures: 3 })).toContain('maxFailures 3');
    expect(passedLimit({ failed: 3, bytes: 0 }, { maxFailures: 3 })).toBeUndefined();
    expect(passedLimit({ failed: 0, bytes: 7 }, { maxTotalBytes: 7 })).toContain('maxTotalBytes 7');
    expect(passedLimit({ failed: 9, bytes: 9 }, {})).toBeUndefined();
  });

  it('give every shard a share of the bytes, and the right to one item', () => {
    expect(shardLimits({ failed: 1, bytes: 40 }, { maxTotalBytes: 100, maxFailures: 5 }, 7)).toEqual({
      failures: 4,
      bytes: 9,
    });
    expect(shardLimits({ failed: 0, bytes: 0 }, {}, 7)).toBeUndefined();
  });
});
