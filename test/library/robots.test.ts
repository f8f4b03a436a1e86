import { describe, expect } from 'vitest';
import { download, downloadAll } from '../../lib/library/download.ts';
import { stream } from '../../lib/library/stream.ts';
import { collect, errorOf, impatient, it, local } from './fixture.ts';

const paths = (origin: { readonly requests: readonly { readonly path: string }[] }) =>
  origin.requests.map(({ path }) => path);

describe('the library with `robots`', () => {
  it('fails what a robots.txt forbids before it is asked for, and reads that file once in a call', async ({
    origin,
    to,
  }) => {
    origin.on('/robots.txt', { body: 'User-agent: skyhaul\nDisallow: /private\n' });
    for (const path of ['/a', '/b', '/private']) origin.on(path, { body: path });
    const items = ['/private', '/a', '/b'].map((path) => origin.url(path));

    const outcomes = await collect(downloadAll(items, { ...local, to, robots: true }, impatient));

    expect(outcomes.toSorted((one, other) => one.line - other.line)).toMatchObject([
      { outcome: 'failed', error: 'RobotsDisallowed', message: expect.stringContaining('in line 2') },
      { outcome: 'stored' },
      { outcome: 'stored' },
    ]);
    expect(paths(origin)).toEqual(['/robots.txt', expect.stringMatching('/[ab]'), expect.stringMatching('/[ab]')]);
  });

  it('opens no stream that is forbidden to the name it gives itself', async ({ origin }) => {
    origin.on('/robots.txt', { body: 'User-agent: mine\nDisallow: /\n' });
    origin.on('/f', { body: 'f' });
    const url = origin.url('/f');
    const options = { ...local, robots: true, request: { userAgent: 'mine/1' } };

    expect((await errorOf(stream(url, options, impatient))).name).toBe('RobotsDisallowed');
    expect(paths(origin)).toEqual(['/robots.txt']);
    await (await stream(url, { ...local, robots: true }, impatient)).close();
    expect(paths(origin)).toContain('/f');
  });

  it('waits between two requests for as long as the host asks', async ({ origin, to }) => {
    origin.on('/robots.txt', { body: 'User-agent: *\nCrawl-delay: 2\n' });
    for (const path of ['/a', '/b', '/c']) origin.on(path, { body: path });
    const waits: number[] = [];
    const effects = {
      ...impatient,
      now: () => 1_000_000,
      pause: async (ms: number) => {
        waits.push(ms);
      },
    };

    await downloadAll(
      ['/a', '/b', '/c'].map((path) => origin.url(path)),
      { ...local, to, robots: true },
      effects,
    ).summary();

    expect(waits).toEqual([0, 2_000, 4_000]);
  });

  it('asks for no robots.txt without the option', async ({ origin, to }) => {
    origin.on('/f', { body: 'f' });

    await download(origin.url('/f'), { ...local, to }, impatient);

    expect(paths(origin)).toEqual(['/f']);
  });
});
