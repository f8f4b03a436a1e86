import { describe, expect } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { judgeFailure, Robots } from '../../lib/source/robots.ts';
import { RobotsCache } from '../../lib/source/robots-cache.ts';
import { MAX_ROBOTS_BYTES } from '../../lib/source/robots-rules.ts';
import { asked, conformance, EVERY_BACKEND, it as test } from './fixture.ts';

const FORBIDS_B = 'User-agent: *\nDisallow: /b\n';
const robots = () => new Robots({ now: Date.now });

conformance('H75: with `robots`', EVERY_BACKEND, (it) => {
  it('reads the robots.txt first, once for all lanes, over the connection of the lane', async ({ origin, source }) => {
    origin.on('/robots.txt', { body: FORBIDS_B, delayMs: 50 });
    for (const path of ['/a', '/a2', '/c']) origin.on(path, { body: path });
    const shared = robots();
    const [one, other] = [source.client({ robots: shared }), source.client({ robots: shared })];

    const read = await Promise.all([
      source.outcome('/a', { client: one, headers: { 'x-token': 'canary' } }),
      source.outcome('/c', { client: other }),
    ]);
    read.push(await source.outcome('/a2', { client: one }));

    expect(read).toEqual(['read', 'read', 'read']);
    const paths = origin.requests.map(({ path }) => path);
    expect(paths[0]).toBe('/robots.txt');
    expect(paths.filter((path) => path === '/robots.txt')).toHaveLength(1);
    expect(origin.requests[0]?.headers).not.toHaveProperty('x-token');
    expect(origin.connections.max).toBe(2);
  });

  it('asks for nothing that is forbidden, and says by which line', async ({ origin, source }) => {
    origin.on('/robots.txt', { body: FORBIDS_B });

    const error = await source.refusal('/b?secret=canary', { client: source.client({ robots: robots() }) });

    expect(error).toMatchObject({ name: 'RobotsDisallowed', retryable: false });
    expect(error.message).toMatch(/forbids it to skyhaul-test in line 2$/);
    expect(error.message).not.toContain('canary');
    expect(origin.requests.map(({ path }) => path)).toEqual(['/robots.txt']);
  });

  it('obeys also where a redirect leads, by the robots.txt of that origin', async ({ origin, source, startOther }) => {
    const other = await startOther({ '/robots.txt': { body: FORBIDS_B }, '/b': { body: 'no' } });
    origin.on('/robots.txt', { body: '' });
    origin.on('/away', { status: 302, headers: { Location: other.url('/b') } });

    expect(await source.outcome('/away', { client: source.client({ robots: robots() }) })).toBe('RobotsDisallowed');
    expect(other.requests.map(({ path }) => path)).toEqual(['/robots.txt']);
  });
});

describe('H75: a robots.txt that', () => {
  test.for([401, 404, 410])('answers %d allows all', async (status, { origin, source }) => {
    origin.on('/robots.txt', { status });
    origin.on('/b', { body: 'b' });

    expect(await source.outcome('/b', { client: source.client({ robots: robots() }) })).toBe('read');
  });

  test('answers 503 is tried as often as a file in a lane, then forbids all and is not asked for again', async ({
    origin,
    source,
  }) => {
    origin.on('/robots.txt', { status: 503 });
    const client = source.client({ robots: robots() });

    const outcomes: string[] = [];
    for (let n = 0; n < 5; n += 1) outcomes.push(await source.outcome('/a', { client }));

    expect(outcomes).toEqual(['Throttled', 'Throttled', ...Array(3).fill('RobotsDisallowed')]);
    expect(origin.requests.map(({ path }) => path)).toEqual(Array(3).fill('/robots.txt'));
  });

  test('breaks off is tried again', async ({ origin, source }) => {
    origin.on('/robots.txt', [{ body: FORBIDS_B, cut: { afterBytes: 5, by: 'rst' } }, { body: FORBIDS_B }]);
    origin.on('/a', { body: 'a' });
    const client = source.client({ robots: robots() });

    expect(await source.outcome('/a', { client })).toBe('ConnectionLost');
    expect(await source.outcome('/a', { client })).toBe('read');
    expect(await source.outcome('/b', { client })).toBe('RobotsDisallowed');
  });

  test.for([
    [5, 'RobotsDisallowed'],
    [6, 'read'],
  ] as const)(
    'is %d redirects away counts by what it says, or not',
    async ([redirects, outcome], { origin, source }) => {
      const at = (hop: number) => (hop === 0 ? '/robots.txt' : `/hop${hop}`);
      for (let hop = 0; hop < redirects; hop += 1) {
        origin.on(at(hop), { status: 301, headers: { Location: at(hop + 1) } });
      }
      origin.on(at(redirects), { body: FORBIDS_B });
      origin.on('/b', { body: 'b' });

      expect(await source.outcome('/b', { client: source.client({ robots: robots() }) })).toBe(outcome);
    },
  );

  test('never ends is read up to 500 KiB', async ({ origin, source }) => {
    const filler = `#${'x'.repeat(1_022)}\n`;
    const long = filler.repeat(MAX_ROBOTS_BYTES / 1_024);
    const body = `User-agent: *\nDisallow: /first\n${long}Disallow: /b\n${filler}`;
    origin.on('/robots.txt', { body, framing: 'chunked', stall: { afterBytes: body.length } });
    origin.on('/b', { body: 'b' });
    const client = source.client({ robots: robots() });

    expect(await source.outcome('/first', { client })).toBe('RobotsDisallowed');
    expect(await source.outcome('/b', { client })).toBe('read');
  });

  test('one lane could not read because it was stopped is read by the next', async ({ origin, source }) => {
    origin.on('/robots.txt', [{ delayMs: Number.POSITIVE_INFINITY }, { body: '' }]);
    origin.on('/a', { body: 'a' });
    const shared = robots();
    const stop = new AbortController();
    const first = source.client({ robots: shared }).open(asked(origin.url('/a'), {}, stop.signal));
    const second = source.outcome('/a', { client: source.client({ robots: shared }) });

    while (origin.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort(new SkyhaulError('ItemTimeout', 'too long'));

    await expect(first).rejects.toMatchObject({ name: 'ItemTimeout' });
    expect(await second).toBe('read');
  });

  test('names a Crawl-delay has it waited for before each file, not before itself', async ({ origin, source }) => {
    origin.on('/robots.txt', { body: 'User-agent: *\nCrawl-delay: 2\n' });
    origin.on('/a', { body: 'a' });
    const delays: [string, number][] = [];
    const mayAsk = async ({ pathname }: URL, delayMs: number) => void delays.push([pathname, delayMs]);
    const client = source.client({ robots: robots(), mayAsk });

    await source.outcome('/a', { client });
    await source.outcome('/a', { client });

    expect(delays).toEqual([
      ['/robots.txt', 0],
      ['/a', 2_000],
      ['/a', 2_000],
    ]);
  });
});

describe('H75: what several invocations of one process know together', () => {
  const invocations = (now: () => number) => {
    const cache = new RobotsCache();
    return () => new Robots({ now, cache });
  };

  test('is each robots.txt that one of them has read, for a day', async ({ origin, source }) => {
    origin.on('/robots.txt', { body: FORBIDS_B });
    const clock = { now: 1_000 };
    const next = invocations(() => clock.now);
    const outcomes = () =>
      Promise.all([next(), next()].map((robots) => source.outcome('/b', { client: source.client({ robots }) })));

    expect(await outcomes()).toEqual(['RobotsDisallowed', 'RobotsDisallowed']);
    clock.now += 24 * 3_600_000 - 1;
    expect(await outcomes()).toEqual(['RobotsDisallowed', 'RobotsDisallowed']);
    expect(origin.requests.length).toBe(1);
    clock.now += 1;
    expect(await outcomes()).toEqual(['RobotsDisallowed', 'RobotsDisallowed']);
    expect(origin.requests.length).toBe(2);
  });

  test('is not that one of them could not read it', async ({ origin, source }) => {
    origin.on('/robots.txt', [{ status: 503 }, { status: 503 }, { status: 503 }, { body: '' }]);
    origin.on('/a', { body: 'a' });
    const next = invocations(Date.now);
    const [first, second] = [source.client({ robots: next() }), source.client({ robots: next() })];

    const outcomes: string[] = [];
    for (const client of [first, first, first, first, second, first])
      outcomes.push(await source.outcome('/a', { client }));

    expect(outcomes).toEqual(['Throttled', 'Throttled', 'RobotsDisallowed', 'RobotsDisallowed', 'read', 'read']);
  });
});

describe('what follows when there is no robots.txt to read', () => {
  test('goes by RFC 9309 2.3.1, and leaves an origin that cannot be asked at all to the item', () => {
    const judge = (name: ConstructorParameters<typeof SkyhaulError>[0], status?: number, failures = 1) =>
      judgeFailure(new SkyhaulError(name, '', status === undefined ? {} : { status }), failures);

    expect(judge('NotFound', 404)).toBe('allow');
    expect(judge('UnexpectedStatus', 418)).toBe('allow');
    expect(judge('UnexpectedStatus', 501)).toBe('forbid');
    expect(judge('TooManyRedirects')).toBe('allow');
    expect(judge('ProtocolError')).toBe('forbid');
    expect(judge('HostNotFound')).toBe('throw');
    expect(judge('Interrupted')).toBe('throw');
    expect(judge('ConnectFailed')).toBe('throw');
    expect(judge('ConnectFailed', undefined, 3)).toBe('forbid');
  });
});
