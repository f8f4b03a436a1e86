import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { startOrigin } from '../support/origin.ts';
import { it } from '../support/run-context.ts';
import { asked, list, read, toCopies } from './copies-fixture.ts';

describe('lines that ask a host for the same', () => {
  it('fail with their host, once for all of them', async ({ rig }) => {
    const gone = await startOrigin();
    const same = ['a', 'b', 'c'].map((key) => ({ url: gone.url('/f'), key }));
    const items = [...same, ...['/x', '/y'].map((path) => ({ url: gone.url(path), key: path.slice(1) }))];
    await gone.close();

    const options = { duplicates: 'copy', hostAttempts: 2, attempts: 100 };
    const outcomes = await rig.run({ ...list(rig, '/f', []), items, options });

    expect(outcomes.map(({ error }) => error)).toEqual(Array(5).fill('ConnectFailed'));
    expect(outcomes[0]?.message).toContain('refused 2 times in a row');
    expect(outcomes[2]?.message).toMatch(/^line 1 asks for the same and failed: /);
    expect(outcomes.slice(1, 3).map(({ attempts }) => attempts)).toEqual([0, 0]);
  });

  it('end, too, where the copy is lost and their host has died meanwhile', async ({ rig }) => {
    const dying = await startOrigin();
    dying.on('/f', { body: 'bytes' });
    const items = ['a', 'b'].map((key) => ({ url: dying.url('/f'), key }));
    const copies = await toCopies(rig, {
      ...list(rig, '/f', []),
      items,
      options: { duplicates: 'copy', hostAttempts: 2 },
    });
    await dying.close();
    await rm(join(rig.root, 'a'));

    await rig.transfer(copies);

    expect((await rig.run(copies)).map(({ error }) => error)).toEqual([undefined, 'ConnectFailed']);
  });

  it('are copied at once although their host lets nobody in for an hour', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });
    rig.origin.on('/g', { status: 503, headers: { 'Retry-After': '3600' } });
    const items = [...list(rig, '/f', ['a', 'b']).items, { url: rig.origin.url('/g'), key: 'g' }];
    const options = { duplicates: 'copy', perHostConnections: 1 };

    const copies = await toCopies(rig, { ...list(rig, '/f', []), items, options });
    await rig.transfer(copies);

    expect(copies).toMatchObject({ next: 'fan-out', shards: [{ items: 1 }] });
    expect(await read(rig, 'b')).toBe('bytes');
  });

  it('wait for their host after all where they cannot be copied', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });
    rig.origin.on('/g', [{ status: 503, headers: { 'Retry-After': '3600' } }, { body: 'g' }]);
    const items = [...list(rig, '/f', ['a', 'b']).items, { url: rig.origin.url('/g'), key: 'g' }];
    const options = { duplicates: 'copy', perHostConnections: 1 };
    const copies = await toCopies(rig, { ...list(rig, '/f', []), items, options });
    await rm(join(rig.root, 'a'));

    await rig.transfer(copies);

    const waiting = await rig.plan(copies);
    expect(waiting).toMatchObject({ next: 'wait', waitSeconds: 3600 });
    expect(asked(rig, '/f')).toBe(1);
    expect((await rig.run(waiting)).map(({ outcome, copiedFrom }) => [outcome, copiedFrom])).toEqual(
      Array(3).fill(['stored', undefined]),
    );
    expect(asked(rig, '/f')).toBe(2);
  });

  it('take nothing of the rate of their host', async ({ rig }) => {
    rig.origin.on('/f', { body: 'bytes' });
    const options = { duplicates: 'copy', perHostConnections: 1, perHostRate: { perSecond: 0.001 } };

    const outcomes = await rig.run({ ...list(rig, '/f', ['a', 'b', 'c']), options });

    expect(outcomes.map(({ copiedFrom }) => copiedFrom)).toEqual([undefined, 1, 1]);
  });
});
