import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { downloadAll } from '../../lib/library/download.ts';
import type { Progress } from '../../lib/library/progress.ts';
import { startOrigin } from '../support/origin.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { collect, errorOf, impatient, it, leftovers, local, until } from './fixture.ts';

const byLine = (outcomes: readonly Outcome[]) => outcomes.toSorted((a, b) => a.line - b.line);

describe('downloadAll', () => {
  it('brings one outcome for each item, numbered as they came, and the sum of them', async ({ origin, to }) => {
    origin.on('/a', { body: 'aa' });
    origin.on('/b', { body: 'bbb' });
    const items = [
      origin.url('/a'),
      new URL(origin.url('/b')),
      { url: origin.url('/a'), key: 'again', id: 'third' },
      origin.url('/missing'),
      origin.url('/a'),
      { url: origin.url('/b'), key: 'again' },
      'not a url',
    ];

    const downloads = downloadAll(items, { ...local, to }, impatient);
    const outcomes = byLine(await collect(downloads));

    expect(outcomes).toMatchObject([
      { line: 1, outcome: 'stored', bytes: 2 },
      { line: 2, outcome: 'stored', bytes: 3 },
      { line: 3, outcome: 'stored', key: 'again', id: 'third' },
      { line: 4, outcome: 'failed', error: 'NotFound' },
      { line: 5, outcome: 'skipped', reason: 'duplicate' },
      { line: 6, outcome: 'failed', error: 'KeyConflict' },
      { line: 7, outcome: 'failed', error: 'UrlRefused' },
    ]);
    expect(await downloads.summary()).toMatchObject({ counts: { stored: 3, skipped: 1, failed: 3 }, bytes: 7 });
    expect(await readFile(join(to, 'again'), 'utf8')).toBe('aa');
    await until(() => origin.connections.open === 0);
  });

  it('calls an object what its source calls it, where its key says so', async ({ origin, to }) => {
    for (const path of ['/a', '/b']) {
      origin.on(path, { headers: { 'Content-Disposition': 'attachment; filename="x.txt"' }, body: path });
    }
    const items = ['/a', '/b'].map((path) => ({ url: origin.url(path), key: 'in/{filename}' }));

    const outcomes = byLine(await collect(downloadAll(items, { ...local, to, concurrency: 1 }, impatient)));

    expect(outcomes).toMatchObject([
      { outcome: 'stored', key: 'in/x.txt' },
      { outcome: 'failed', error: 'KeyConflict', key: 'in/x.txt' },
    ]);
  });

  it('runs to its end for whoever asks for nothing but the summary', async ({ origin, to }) => {
    origin.on('/a', { body: 'aa' });

    const summary = await downloadAll(new Set([origin.url('/a')]), { ...local, to }).summary();

    expect(summary.counts).toEqual({ stored: 1, skipped: 0, failed: 0 });
  });

  it('takes items only as fast as it works on them, from a list without end', async ({ origin, to }) => {
    let made = 0;
    let isEnded = false;
    function* endless() {
      try {
        for (;;) {
          made += 1;
          yield { url: origin.url(`/${made}`), key: `${made}` };
        }
      } finally {
        isEnded = true;
      }
    }
    let taken = 0;

    for await (const _ of downloadAll(endless(), { ...local, to, concurrency: 4 })) {
      taken += 1;
      expect(made - taken).toBeLessThanOrEqual(4 * 4 + 3 * 4);
      if (taken === 200) break;
    }

    expect(isEnded).toBe(true);
    await until(() => origin.connections.open === 0);
  });

  it('starts nothing new while nobody takes the outcomes', async ({ origin, to }) => {
    for (let at = 0; at < 40; at += 1) origin.on(`/${at}`, { body: 'x' });
    const items = Array.from({ length: 40 }, (_, at) => ({ url: origin.url(`/${at}`), key: `${at}` }));
    const outcomes = downloadAll(items, { ...local, to, concurrency: 3 })[Symbol.asyncIterator]();

    await outcomes.next();
    await sleep(200);
    const asked = origin.requests.length;
    await outcomes.return();

    expect(asked).toBeLessThanOrEqual(1 + 2 * 3);
  });

  it('H74: holds no more connections to a host than it may, and lets other hosts overtake', async ({ origin, to }) => {
    const other = await startOrigin({ '/quick': { body: 'quick' } }, { address: '127.0.0.2' });
    const slow = Array.from({ length: 30 }, (_, at) => `/slow-${at}`);
    for (const path of slow) origin.on(path, { body: 'slow', delayMs: 20 });
    const items = [...slow.map((path) => origin.url(path)), other.url('/quick')];

    const options = { ...local, to, concurrency: 8, perHostConnections: 2 };
    const outcomes = await collect(downloadAll(items, options));

    expect(outcomes.every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(origin.connections).toMatchObject({ max: 2, total: 2 });
    expect(outcomes.findIndex(({ line }) => line === 31)).toBeLessThan(20);
    await other.close();
  });

  it('works on as many at once as it may, over hosts', async ({ origin, to }) => {
    let [now, most] = [0, 0];
    const items = Array.from({ length: 30 }, (_, at) => {
      origin.on(`/${at}`, async () => {
        now += 1;
        most = Math.max(most, now);
        await sleep(20);
        now -= 1;
        return { body: 'x' };
      });
      return origin.url(`/${at}`);
    });

    await collect(downloadAll(items, { ...local, to, concurrency: 5, perHostConnections: 100 }));

    expect(most).toBe(5);
  });

  it('lets the failure of a listener fail its item alone', async ({ origin, to }) => {
    origin.on('/good', { body: 'good' });
    origin.on('/bad', { body: 'bad' });
    const items = ['/good', '/bad'].flatMap((path) =>
      [1, 2, 3].map((at) => ({ url: origin.url(path), key: `${path}${at}`.slice(1) })),
    );
    const onChunk = (_: Uint8Array, { key }: { key: string }) => {
      if (key.startsWith('bad')) throw new Error('my own mistake');
    };
    const onProgress = ({ key, state }: Progress) => {
      if (key === 'good1' && state === 'ended') throw new Error('too late');
    };
    const outcomes: Outcome[] = [];

    const error = await errorOf(
      (async () => {
        for await (const outcome of downloadAll(items, { ...local, to, onChunk, onProgress })) outcomes.push(outcome);
      })(),
    );

    expect(byLine(outcomes).map((one) => one.error ?? one.outcome)).toEqual([
      'stored',
      'stored',
      'stored',
      'TransformFailed',
      'TransformFailed',
      'TransformFailed',
    ]);
    expect(error).toMatchObject({ name: 'TransformFailed', message: expect.stringContaining('too late') });
  });

  it('brings what was begun to its end when the list itself throws, then throws that', async ({ origin, to }) => {
    origin.on('/a', { body: 'aa', delayMs: 50 });
    async function* broken() {
      yield origin.url('/a');
      throw new RangeError('the database went away');
    }
    const outcomes: Outcome[] = [];
    const downloads = downloadAll(broken(), { ...local, to });

    const failed = (async () => {
      for await (const outcome of downloads) outcomes.push(outcome);
    })();

    await expect(failed).rejects.toThrow(RangeError);
    expect(outcomes).toMatchObject([{ outcome: 'stored' }]);
    await expect(downloads.summary()).rejects.toThrow('the database went away');
  });

  it('ends at once when it is aborted, also while the list is waited for, and leaves nothing half done', async ({
    origin,
    to,
  }) => {
    origin.on('/rest', { body: bytesOf(1, 100_000), stall: { afterBytes: 1_000 } });
    const stop = new AbortController();
    async function* waiting() {
      yield { url: origin.url('/rest'), key: 'a' };
      yield { url: origin.url('/rest'), key: 'b' };
      await new Promise(() => undefined);
    }

    const aborted = errorOf(collect(downloadAll(waiting(), { ...local, to, signal: stop.signal })));
    await until(() => origin.requests.length === 2);
    stop.abort();

    expect((await aborted).name).toBe('Interrupted');
    expect(await leftovers(to)).toEqual([]);
    await until(() => origin.connections.open === 0);
  });

  it('stops what is under way when the loop is left', async ({ origin, to }) => {
    origin.on('/rest', { body: bytesOf(1, 100_000), stall: { afterBytes: 1_000 } });
    origin.on('/quick', { body: 'x' });

    for await (const outcome of downloadAll([origin.url('/rest'), origin.url('/quick')], { ...local, to })) {
      expect(outcome.line).toBe(2);
      break;
    }

    expect(await leftovers(to)).toEqual([]);
    await until(() => origin.connections.open === 0);
  });

  it('is taken once, of a list, with options that can be', async ({ origin, to }) => {
    const downloads = downloadAll([], { to });
    await collect(downloads);

    expect((await errorOf(collect(downloads))).name).toBe('BatchInvalid');
    expect(() => downloadAll(origin.url('/') as never, { to })).toThrow(
      expect.objectContaining({ name: 'BatchInvalid' }),
    );
    expect(() => downloadAll([], { to, concurrency: 0 })).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
  });
});
