import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { getJson, getLines } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { trialLimit } from '../../lib/plan/limits.ts';
import { newestStatus } from '../../lib/plan/status.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

const pathsTo = (count: number) => Array.from({ length: count }, (_, index) => `/${index}`);

const verdict = ({ outcome, error }: Outcome) => error ?? outcome;

const storedKeys = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap(({ outcome, key = '' }) => (outcome === 'stored' ? [key] : [])).sort();

async function failedOf(rig: Rig, run = 'r'): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for await (const line of getLines(rig.context().state, runKeys(run).failed)) found.push(line as never);
  return found;
}

const summaryOf = (rig: Rig) => getJson(rig.context().state, runKeys('r').summary);

function serve(rig: Rig, count: number) {
  for (const path of pathsTo(count)) rig.origin.on(path, { body: path });
}

describe('limit', () => {
  it('tries the first lines, reports the others as LimitReached, and leaves them to another run', async ({ rig }) => {
    serve(rig, 7);

    const outcomes = await rig.run(listOf(rig, pathsTo(7), { limit: 3 }));
    const asked = rig.origin.requests.length;
    const failed = await failedOf(rig);
    const again = await rig.run({ run: 'again', items: failed, to: rig.root });

    expect(asked).toBe(3);
    expect(outcomes.map(({ line, outcome, error }) => [line, outcome, error])).toEqual([
      ...[1, 2, 3].map((line) => [line, 'stored', undefined]),
      ...[4, 5, 6, 7].map((line) => [line, 'failed', 'LimitReached']),
    ]);
    expect(outcomes[3]).toMatchObject({ attempts: 0, key: '3', message: expect.stringContaining('limit 3') });
    expect(failed.map(({ key }) => key)).toEqual(['3', '4', '5', '6']);
    expect(again.map(({ outcome }) => outcome)).toEqual(Array(4).fill('stored'));
  });

  it('is named by the summary, which tells the lines that were not tried from those that failed', async ({ rig }) => {
    serve(rig, 1);

    await rig.run(listOf(rig, pathsTo(7), { limit: 3 }));

    expect(await summaryOf(rig)).toMatchObject({
      counts: { stored: 1, skipped: 0, failed: 6 },
      notTried: 4,
      errors: { NotFound: 2, LimitReached: 4 },
      limit: trialLimit(3),
    });
  });

  it('is none for a list that is no longer', async ({ rig }) => {
    serve(rig, 3);

    await rig.run(listOf(rig, pathsTo(3), { limit: 3 }));

    const summary = await summaryOf(rig);
    expect(summary).toMatchObject({ counts: { stored: 3, skipped: 0, failed: 0 } });
    expect(summary).not.toHaveProperty('limit');
    expect(summary).not.toHaveProperty('notTried');
    expect(summary).not.toHaveProperty('errors');
  });

  it('keeps a bad line behind it from stopping the trial, and calls it by its own error', async ({ rig }) => {
    serve(rig, 4);
    const input = listOf(rig, pathsTo(4), { limit: 2, maxFailures: 0 });
    const taken = { ...input.items[0], url: rig.origin.url('/other') };

    const outcomes = await rig.run({ ...input, items: [...input.items, { url: 'ftp://a' }, taken] });

    expect(outcomes.map(({ error }) => error)).toEqual([
      ...[undefined, undefined],
      ...['LimitReached', 'LimitReached', 'UrlRefused', 'KeyConflict'],
    ]);
    expect((await failedOf(rig)).map(({ key }) => key)).toEqual(['2', '3']);
    expect(await summaryOf(rig)).toMatchObject({ limit: trialLimit(2), notTried: 2 });
  });

  it('lets a bad line before it stop the run as ever', async ({ rig }) => {
    const input = listOf(rig, pathsTo(2), { limit: 2 });

    await expect(rig.run({ ...input, items: [{ url: 'ftp://a' }, ...input.items] })).rejects.toMatchObject({
      name: 'ManifestInvalid',
    });
    expect(rig.origin.requests).toEqual([]);
  });

  it('skips a line behind it that is the same as an earlier one', async ({ rig }) => {
    serve(rig, 2);
    const input = listOf(rig, pathsTo(2), { limit: 1 });

    const outcomes = await rig.run({ ...input, items: [...input.items, input.items[0], input.items[1]] });

    expect(outcomes.map(({ outcome, reason }) => reason ?? outcome)).toEqual([
      ...['stored', 'failed', 'duplicate', 'duplicate'],
    ]);
    expect((await failedOf(rig)).map(({ key }) => key)).toEqual(['1']);
  });

  it('does not count sizes behind it against maxTotalBytes', async ({ rig }) => {
    rig.origin.on('/0', { body: '0123456789' });

    const outcomes = await rig.run(listOf(rig, pathsTo(3), { limit: 1, maxTotalBytes: 15 }, { size: 10 }));

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'failed', 'failed']);
  });

  it('costs no row and no place in a shard for what stands behind it', async ({ rig }) => {
    serve(rig, 1);
    const count = 1_000;
    const { items, ...input } = listOf(rig, pathsTo(count), { limit: 1 });

    const plan = await rig.plan({ ...input, items });

    expect(plan.shards).toEqual([{ shard: 0, lanes: 1, items: 1 }]);
    expect(await newestStatus(rig.context().state, 'r')).toMatchObject({ items: count, left: 1, untried: count - 1 });
    await expect(readdir(join(rig.root, '.skyhaul/runs/r/status/0000/outcomes'))).rejects.toThrow('ENOENT');
  });

  it('holds for a run that is continued', async ({ rig }) => {
    serve(rig, 3);
    await rig.plan(listOf(rig, pathsTo(3), { limit: 2 }));

    const outcomes = await rig.run({ run: 'r', to: rig.root });

    expect(outcomes.map(({ error }) => error)).toEqual([undefined, undefined, 'LimitReached']);
  });

  it('is reported as well by two invocations, of which the second goes on from what the first has counted', async ({
    rig,
  }) => {
    serve(rig, 1);
    const deployed = (seconds: number) =>
      rig.context({ inProcess: false, memoryBytes: 512 * MiB, deadline: rig.clock.now + seconds * 1_000 });
    const plan = await rig.plan(listOf(rig, pathsTo(5), { limit: 2 }), deployed(900));
    await rig.transfer(plan, deployed(900));
    await rig.plan(plan, deployed(900));

    const first = await reportRun({ run: 'r' }, deployed(1));
    const second = await reportRun({ run: 'r' }, deployed(1));

    expect(first).toEqual({ run: 'r', next: 'continue' });
    expect(second.summary).toMatchObject({
      counts: { stored: 1, skipped: 0, failed: 4 },
      notTried: 3,
      errors: { NotFound: 1, LimitReached: 3 },
      limit: trialLimit(2),
    });
    expect((await failedOf(rig)).map(({ key }) => key)).toEqual(['1', '2', '3', '4']);
  });

  it('and what goes on behind it come to what the whole list would have: any list, any limit', async ({ rig }) => {
    serve(rig, 4);
    const kinds = fc.constantFrom('/0', '/1', '/2', '/3', '/none', 'bad');
    const lists = fc.array(kinds, { minLength: 1, maxLength: 12 });
    const of = (name: string, items: readonly object[], options: object = {}) =>
      rig.run({ run: name, items, to: join(rig.root, name), options: { skipInvalid: true, ...options } });
    let n = 0;

    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 13 }), async (kindsOfLines, limit) => {
        n += 1;
        const items = kindsOfLines.map((kind) =>
          kind === 'bad' ? { url: 'ftp://a' } : { url: rig.origin.url(kind), key: kind.slice(1) },
        );
        const whole = await of(`whole-${n}`, items);
        const trial = await of(`trial-${n}`, items, { limit });
        const failed = await failedOf(rig, `trial-${n}`);
        const rest = failed.length > 0 ? await of(`rest-${n}`, failed) : [];

        expect(trial.map(({ line }) => line)).toEqual(items.map((_, index) => index + 1));
        expect(trial.slice(0, limit).map(verdict)).toEqual(whole.slice(0, limit).map(verdict));
        const behind = trial.filter(({ error }) => error === 'LimitReached');
        const redone = [...trial, ...rest];
        expect(storedKeys(redone)).toEqual(storedKeys(whole));
        expect(behind.every(({ line }) => line > limit)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('says how it was meant, for one line and for many', () => {
    expect(trialLimit(1)).toBe('only the first line was to be tried (limit 1)');
    expect(trialLimit(10)).toBe('only the first 10 lines were to be tried (limit 10)');
  });
});
