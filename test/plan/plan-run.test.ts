import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import { it } from '../support/run-context.ts';

describe('a run', () => {
  it('gives every line exactly one outcome, in the order of the list', async ({ rig }) => {
    const items = Array.from({ length: 40 }, (_, index) => ({ url: rig.origin.url(`/${index}`), id: `n${index}` }));
    for (let index = 0; index < 40; index += 2) rig.origin.on(`/${index}`, { body: String(index) });

    const outcomes = await rig.run({ run: 'r', items, to: rig.root });

    expect(outcomes.map(({ line, id }) => [line, id])).toEqual(items.map(({ id }, index) => [index + 1, id]));
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(
      items.map((_, index) => (index % 2 === 0 ? 'stored' : 'failed')),
    );
  });

  it('H72: fetches the same request to the same key once and calls the rest duplicates', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const url = rig.origin.url('/a');

    const outcomes = await rig.run({ run: 'r', items: [{ url }, { url, id: 'second' }], to: rig.root });

    expect(outcomes).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'skipped', reason: 'duplicate', message: 'the same as line 1', id: 'second' },
    ]);
    expect(rig.origin.requests.length).toBe(1);
  });

  it('refuses a list with bad lines whole, names each of them, and fetches nothing', async ({ rig }) => {
    const items = [{ url: rig.origin.url('/a') }, { url: 'ftp://x/' }, { url: 'https://a.example/', size: -1 }];

    const refused = await rig.plan({ run: 'r', items, to: rig.root }).catch((error: unknown) => error);

    expect(refused).toMatchObject({ name: 'ManifestInvalid' });
    const { problems } = (refused as { details: { problems: string[] } }).details;
    expect(problems.map((text) => text.split(':')[0])).toEqual(['line 2', 'line 3']);
    expect(rig.origin.requests).toEqual([]);
  });

  it('with skipInvalid makes bad lines failed outcomes and goes on', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const items = [{ url: 'ftp://x/', id: 'bad' }, { url: rig.origin.url('/a') }];

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options: { skipInvalid: true } });

    expect(outcomes).toMatchObject([
      { line: 1, id: 'bad', outcome: 'failed' },
      { line: 2, outcome: 'stored' },
    ]);
  });

  it('hands back a failed list that is itself a list, with the error attached', async ({ rig }) => {
    const url = rig.origin.url('/missing?token=secret');
    await rig.run({ run: 'r', items: [{ url, key: 'k', id: 'x' }], to: rig.root });
    const failed = join(rig.root, '.skyhaul', 'runs', 'r', 'failed.jsonl');
    const line = JSON.parse(await readFile(failed, 'utf8'));
    rig.origin.on('/missing', { body: 'found' });

    const [outcome] = await rig.run({ run: 'again', items: [line], to: rig.root });

    expect(line).toMatchObject({ url, key: 'k', id: 'x', error: { name: 'NotFound' } });
    expect(outcome).toMatchObject({ outcome: 'stored', key: 'k', id: 'x' });
    expect((await stat(failed)).mode & 0o777).toBe(0o600);
  });

  it('I10: shows no query of a URL in report, summary or page', async ({ rig }) => {
    const items = [{ url: rig.origin.url('/a?X-Amz-Signature=canary') }, { url: rig.origin.url('/b?sig=canary') }];
    rig.origin.on('/a', { body: 'a' });
    await rig.run({ run: 'r', items, to: rig.root });

    const folder = join(rig.root, '.skyhaul', 'runs', 'r');
    for (const name of ['report.jsonl', 'summary.json', 'report.html']) {
      expect(await readFile(join(folder, name), 'utf8')).not.toContain('canary');
    }
    expect(JSON.stringify(rig.events)).not.toContain('canary');
  });

  it('keeps whole URLs in files that nobody else may read', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    await rig.run({ run: 'r', items: [{ url: rig.origin.url('/a?sig=canary') }], to: rig.root });

    const folder = join(rig.root, '.skyhaul', 'runs', 'r');
    const names = await readdir(folder, { recursive: true });
    for (const name of names) {
      const path = join(folder, name);
      const stats = await stat(path);
      if (stats.isDirectory() || !(await readFile(path, 'utf8')).includes('canary')) continue;
      expect(`${name} ${(stats.mode & 0o777).toString(8)}`).toBe(`${name} 600`);
    }
  });

  it('goes on where it stands when it is asked again, and repeats nothing that is done', async ({ rig }) => {
    for (const path of ['/a', '/b']) rig.origin.on(path, { body: path });
    const items = ['/a', '/b'].map((path) => ({ url: rig.origin.url(path) }));
    await rig.transfer(await rig.plan({ run: 'r', items, to: rig.root }));

    const outcomes = await rig.run({ run: 'r', to: rig.root });

    expect(outcomes).toMatchObject([{ outcome: 'stored' }, { outcome: 'stored' }]);
    expect(rig.origin.requests.length).toBe(2);
  });

  it('answers a run that is reported with the report it has', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    await rig.run({ run: 'r', items: [{ url: rig.origin.url('/a') }], to: rig.root });

    const again = await rig.plan({ run: 'r', to: rig.root });

    expect(again.next).toBe('report');
    expect(await reportRun({ run: 'r' }, rig.context())).toMatchObject({ summary: { counts: { stored: 1 } } });
  });

  it('refuses other input under the id of a run that exists, and an id that does not', async ({ rig }) => {
    await rig.plan({ run: 'r', items: [{ url: 'https://a.example/' }], to: rig.root });

    await expect(rig.plan({ run: 'r', items: [{ url: 'https://b.example/' }], to: rig.root })).rejects.toMatchObject({
      name: 'RunInputDiffers',
    });
    await expect(rig.plan({ run: 'other', to: rig.root })).rejects.toMatchObject({ name: 'RunNotFound' });
  });

  it('L16: refuses a second execution of a living run, and takes a dead one over', async ({ rig }) => {
    const owner = { execution: 'execution-2' };
    await rig.plan({ run: 'r', items: [{ url: 'https://a.example/' }], to: rig.root });

    await expect(rig.plan({ run: 'r', to: rig.root }, rig.context({ owner }))).rejects.toMatchObject({
      name: 'RunInUse',
    });
    const dead = rig.context({ owner, isAlive: () => Promise.resolve(false) });
    expect(await rig.plan({ run: 'r', to: rig.root }, dead)).toMatchObject({ run: 'r', next: 'fan-out' });
  });

  it('stops at maxHours and reports what was not reached as LimitReached', async ({ rig }) => {
    rig.origin.on('/busy', { status: 503, headers: { 'Retry-After': '3600' } });
    const items = [{ url: rig.origin.url('/busy') }];

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options: { maxHours: 0.5 } });

    expect(outcomes).toMatchObject([{ line: 1, outcome: 'failed', error: 'LimitReached' }]);
  });

  it('ends its rounds when the batch says, else when the deployment says, else after 5 minutes', async ({ rig }) => {
    const endOf = async (run: string, options: object, roundMinutes?: number) => {
      const input = { run, items: [{ url: 'https://a.example/' }], to: rig.root, options };
      await rig.plan(input, rig.context({ roundMinutes }));
      const shard = join(rig.root, '.skyhaul', runKeys(run).shard({ round: 0, shard: 0 }));
      const [header = ''] = (await readFile(shard, 'utf8')).split('\n');
      return (JSON.parse(header).roundEndsAt - rig.clock.now) / 60_000;
    };

    expect(await endOf('a', { roundMinutes: 3 }, 12)).toBe(3);
    expect(await endOf('b', {}, 12)).toBe(12);
    expect(await endOf('c', {})).toBe(5);
  });

  it('refuses headers that would stand in the execution history of a deployed run', async ({ rig }) => {
    const options = { request: { headers: { authorization: 'canary' } } };
    const input = { items: [{ url: 'https://a.example/' }], to: rig.root, options };

    const refused = rig.plan(input, rig.context({ inProcess: false }));

    await expect(refused).rejects.toMatchObject({ name: 'BatchInvalid' });
    await expect(refused).rejects.not.toThrow('canary');
    expect(await rig.plan(input)).toMatchObject({ next: 'fan-out' });
  });

  it('fails the run, not each item, when the destination refuses everybody', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const plan = await rig.plan({ run: 'r', items: [{ url: rig.origin.url('/a') }], to: rig.root });
    const { SkyhaulError } = await import('../../lib/errors/skyhaul-error.ts');
    const refuse = () => Promise.reject(new SkyhaulError('StoreFull', 'no room left'));
    const { openLocalStore } = await import('../../lib/store/local-store.ts');
    const full = rig.context({
      openDestination: (to) =>
        Object.assign(Object.create(openLocalStore(to)), {
          put: refuse,
          head: async () => undefined,
          close: async () => undefined,
        }),
    });

    await rig.transfer(plan, full);

    await expect(rig.plan(plan)).rejects.toMatchObject({ name: 'StoreFull' });
  });

  it('gives up when round after round leaves no row behind', async ({ rig }) => {
    let answer = await rig.plan({ run: 'r', items: [{ url: 'https://a.example/' }], to: rig.root });
    for (let round = 0; round < 2; round += 1) answer = await rig.plan(answer);

    await expect(rig.plan(answer)).rejects.toMatchObject({ name: 'Unexpected' });
  });
});
