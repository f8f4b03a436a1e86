import { describe, expect, onTestFinished } from 'vitest';
import { options as batchOptions } from '../../lib/contract/options.ts';
import { getText } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { newestStatus } from '../../lib/plan/status.ts';
import { RobotsCache } from '../../lib/source/robots-cache.ts';
import { transferShard } from '../../lib/transfer/transfer-shard.ts';
import { type CountingOrigin, type Handler, startCountingOrigin } from '../support/counting-origin.ts';
import { it, listOf } from '../support/run-context.ts';

describe('H75: a run with `robots`', () => {
  it('fails what a robots.txt forbids before it is asked for, once and for all, and stores the rest', async ({
    rig,
  }) => {
    rig.origin.on('/robots.txt', { body: 'User-agent: skyhaul\nDisallow: /private\n' });
    rig.origin.on('/open', { body: 'open' });

    const outcomes = await rig.run(listOf(rig, ['/open', '/private'], { robots: true, perHostConnections: 1 }));

    expect(outcomes).toMatchObject([
      { outcome: 'stored' },
      { outcome: 'failed', error: 'RobotsDisallowed', attempts: 1, message: expect.stringContaining('in line 2') },
    ]);
    expect(rig.origin.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/open']);
  });

  it('goes by the name that the run, or a line, gives itself', async ({ rig }) => {
    rig.origin.on('/robots.txt', { body: 'User-agent: mine\nDisallow: /\n' });
    rig.origin.on('/f', { body: 'f' });
    const url = rig.origin.url('/f');
    const items = [
      { url, key: 'batch' },
      { url, key: 'line', request: { userAgent: 'theirs/2' } },
    ];

    const outcomes = await rig.run({
      run: 'r',
      to: rig.root,
      items,
      options: { robots: true, request: { userAgent: 'Mine/1', contact: 'me@a.example' } },
    });

    expect(outcomes).toMatchObject([{ error: 'RobotsDisallowed' }, { outcome: 'stored' }]);
    expect(rig.origin.requests.find(({ path }) => path === '/f')?.headers['user-agent']).toBe(
      'theirs/2 (me@a.example)',
    );
  });

  it('asks for no robots.txt without the option', async ({ rig }) => {
    rig.origin.on('/f', { body: 'f' });

    await rig.run(listOf(rig, ['/f'], { request: { contact: 'https://a.example/me' } }));

    expect(rig.origin.requests.map(({ path, headers }) => [path, headers['user-agent']])).toEqual([
      ['/f', 'skyhaul/0.1 (+https://github.com/skyhaul/skyhaul; https://a.example/me)'],
    ]);
  });
});

describe('H75: a Crawl-delay', () => {
  const DELAY_MS = 100;
  const waits: Handler = (request, response) => {
    if (request.url === '/robots.txt') response.end('User-agent: *\nCrawl-delay: 0.1\n');
    else response.end('x');
  };
  const options = { robots: true, perHostConnections: 16 };
  const real = { now: Date.now, random: Math.random };
  const MiB = 1024 * 1024;

  async function counted() {
    const origin = await startCountingOrigin(waits);
    onTestFinished(() => origin.close());
    const items = Array.from({ length: 24 }, (_, index) => ({ url: origin.url(`/${index}`), key: `k${index}` }));
    return { origin, items };
  }

  /** Lateness of this machine makes arrivals later, never earlier. */
  function expectApart({ requests }: CountingOrigin, startedAt: number) {
    const files = requests.filter(({ path }) => path !== '/robots.txt');
    for (const [index, { atMs }] of files.entries()) {
      expect(atMs - startedAt).toBeGreaterThanOrEqual((index - 1) * DELAY_MS);
    }
    return files.length;
  }

  it('lies between any two requests of a run in one process, whose shards read the robots.txt once', async ({
    rig,
  }) => {
    const { origin, items } = await counted();
    const startedAt = performance.now();
    const shared = { ...real, robots: new RobotsCache() };
    const plan = await rig.plan({ run: 'r', to: rig.root, items, options }, rig.context(shared));

    await Promise.all(plan.shards.map((shard) => transferShard({ run: 'r', round: 0, shard }, rig.context(shared))));

    expect(plan.shards.length).toBe(4);
    expect(expectApart(origin, startedAt)).toBe(24);
    expect(origin.requests.filter(({ path }) => path === '/robots.txt').length).toBe(1);
  });

  it('lies between any two requests of a deployed run, none of whose workers knows of the others', async ({ rig }) => {
    const { origin, items } = await counted();
    const startedAt = performance.now();
    const deployed = () =>
      rig.context({ ...real, inProcess: false, maxShards: 4, deadline: Date.now() + 900_000, memoryBytes: 512 * MiB });
    const plan = await rig.plan({ run: 'r', to: rig.root, items, options }, deployed());

    await Promise.all(plan.shards.map((shard) => transferShard({ run: 'r', round: 0, shard }, deployed())));

    expect(plan.shards.length).toBe(4);
    expect(expectApart(origin, startedAt)).toBe(24);
    expect(origin.requests.filter(({ path }) => path === '/robots.txt').length).toBe(4);
  });
});

describe('H75: the next round of a run whose host wants a delay', () => {
  it('has no more lanes to it than would be of use, and no worker that it does not know of', async ({ rig }) => {
    const paths = Array.from({ length: 8 }, (_, index) => `/${index}`);
    const stop = new AbortController();
    rig.origin.on('/robots.txt', { body: 'User-agent: *\nCrawl-delay: 10\n' });
    for (const path of paths) {
      rig.origin.on(path, () => {
        setTimeout(() => stop.abort(), 50);
        return { body: path };
      });
    }
    const first = await rig.plan(listOf(rig, paths, { robots: true, maxConcurrency: 1 }));
    expect(first.shards).toMatchObject([{ lanes: 6 }]);
    // One lane asks, and the others wait for their turns.
    await rig.transfer(first, rig.context({ signal: stop.signal }));
    expect(rig.origin.requests.map(({ path }) => path)).toEqual(['/robots.txt', expect.any(String)]);

    const second = await rig.plan(first);

    const { state } = rig.context();
    const host = `127.0.0.1:${rig.origin.port}`;
    expect((await newestStatus(state, 'r'))?.delays).toEqual([{ host, ms: 10_000 }]);
    expect(second.shards).toMatchObject([{ lanes: 1, items: 7 }]);
    const shard = await getText(state, runKeys('r').shard({ round: 1, shard: 0 }));
    expect(JSON.parse(shard?.text.split('\n')[0] ?? '')).toMatchObject({
      shares: [{ number: 0, of: 1, worker: { number: 0, of: 1 } }],
    });
  });
});

describe('a contact', () => {
  it.for([
    ['me@a.example', true],
    ['https://a.example/me?x=1', true],
    ['nobody', false],
    ['me@a.example)\r\nX: y', false],
    ['a "b" <me@a.example>', false],
    [`${'x'.repeat(128)}@a.example`, false],
  ] as const)('%j is one: %s', ([contact, isOne]) => {
    expect(batchOptions.safeParse({ request: { contact } }).success).toBe(isOne);
  });
});
