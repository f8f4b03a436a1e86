import fc from 'fast-check';
import { describe, expect, onTestFinished } from 'vitest';
import { type CountingOrigin, type Handler, startCountingOrigin } from '../support/counting-origin.ts';
import { it, type Rig } from '../support/run-context.ts';

/** Waits are real here: rates are kept by the clock. */
const real = { now: Date.now, random: Math.random };

const small: Handler = (_request, response) => setTimeout(() => response.end('small'), Math.random() * 20);

async function hosts(count: number, handler: Handler): Promise<CountingOrigin[]> {
  const origins = await Promise.all(Array.from({ length: count }, () => startCountingOrigin(handler)));
  onTestFinished(async () => void (await Promise.all(origins.map((origin) => origin.close()))));
  return origins;
}

function listOf(rig: Rig, run: string, origins: readonly CountingOrigin[], each: number, options: object) {
  const items = origins.flatMap((origin, host) =>
    Array.from({ length: each }, (_, index) => ({ url: origin.url(`/${index}`), key: `${run}/${host}-${index}` })),
  );
  return { run, items, to: rig.root, options };
}

describe('a run', () => {
  it('H74: never holds more connections to a host than that host may have, on however many workers', async ({
    rig,
  }) => {
    const origins = await hosts(3, (request, response) => {
      const chance = Math.random();
      if (chance < 0.1) request.socket.destroy();
      else if (chance < 0.2) response.writeHead(500).end();
      else small(request, response);
    });
    let run = 0;

    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...origins.map(() => fc.integer({ min: 1, max: 4 }))),
        fc.integer({ min: 1, max: 8 }),
        async (limits, maxConcurrency) => {
          for (const origin of origins) origin.reset();
          const rules = origins.map(({ host }, index) => ({ pattern: host, connections: limits[index] }));
          const asked = listOf(rig, `run-${++run}`, origins, 20, { hosts: rules, maxConcurrency, attempts: 3 });

          await rig.run(asked, real);

          for (const [index, origin] of origins.entries()) {
            expect(origin.mostAtOnce).toBeLessThanOrEqual(limits[index] ?? 0);
            expect(origin.mostAtOnce).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it('keeps to the limit of a host that many others redirect to, within a worker from the first round on', async ({
    rig,
  }) => {
    const [final] = await hosts(1, small);
    if (!final) throw new Error('no host');
    const origins = await hosts(5, (request, response) =>
      response.writeHead(302, { location: final.url(request.url ?? '') }).end(),
    );
    const rules = [{ pattern: final.host, connections: 2 }];

    const outcomes = await rig.run(listOf(rig, 'r', origins, 20, { hosts: rules, maxConcurrency: 1, slots: 20 }), real);

    expect(outcomes.every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(final.mostAtOnce).toBe(2);
    expect(Math.max(...origins.map(({ mostAtOnce }) => mostAtOnce))).toBeGreaterThan(2);
  });

  it('keeps to it over all workers from the second round on', async ({ rig }) => {
    let isBusy = true;
    const [final] = await hosts(1, (request, response) => {
      if (isBusy) response.writeHead(503, { 'retry-after': '60' }).end();
      else small(request, response);
    });
    if (!final) throw new Error('no host');
    const origins = await hosts(6, (request, response) =>
      response.writeHead(302, { location: final.url(request.url ?? '') }).end(),
    );
    const clock = { now: Date.now() };
    const context = () => rig.context({ now: () => clock.now, concurrency: { default: 6, ceiling: 40 } });
    const options = { hosts: [{ pattern: final.host, connections: 2 }] };
    const first = await rig.plan(listOf(rig, 'r', origins, 12, options), context());
    await rig.transfer(first, context());
    expect(first.shards.length).toBe(6);
    isBusy = false;
    clock.now += 900_000;
    final.reset();

    const probe = await rig.plan(first, context());
    await rig.transfer(probe, context());
    expect(probe.shards).toMatchObject([{ lanes: 1, items: 1 }]);
    const second = await rig.plan(probe, context());
    await rig.transfer(second, context());

    expect(second.shards.reduce((sum, { lanes }) => sum + lanes, 0)).toBe(2);
    expect(final.mostAtOnce).toBeLessThanOrEqual(2);
    expect(await rig.plan(second, context())).toMatchObject({ next: 'report' });
  });

  it('asks a host no more often than its rate, retries and redirects counted, over all workers', async ({ rig }) => {
    const failed = new Set<string>();
    const [origin] = await hosts(1, (request, response) => {
      const path = request.url ?? '';
      if (path.endsWith('5') && !failed.has(path)) {
        failed.add(path);
        response.writeHead(500).end();
      } else if (path.endsWith('7')) response.writeHead(302, { location: `${path}-moved` }).end();
      else response.end('x');
    });
    if (!origin) throw new Error('no host');
    const startedAt = performance.now();
    const options = { perHostRate: { perSecond: 20, burst: 3 }, perHostConnections: 3, maxConcurrency: 3 };

    const outcomes = await rig.run(listOf(rig, 'r', [origin], 40, options), real);

    expect(outcomes.every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(origin.requests.length).toBe(40 + 4 + 4);
    // Lateness of this machine makes arrivals later, never earlier.
    for (const [index, { atMs }] of origin.requests.entries()) {
      expect(atMs - startedAt).toBeGreaterThanOrEqual(((index + 1 - 3 - 1) / 20) * 1_000);
    }
  });

  it('reads no more bytes a second than the run may, and takes nobody for slow on that account', async ({ rig }) => {
    const body = Buffer.alloc(400 * 1024, 'x');
    const [origin] = await hosts(1, (_request, response) => response.end(body));
    if (!origin) throw new Error('no host');
    const startedAt = performance.now();
    const options = { maxBytesPerSecond: 512 * 1024, idleTimeoutMs: 250, attempts: 1 };

    const outcomes = await rig.run(listOf(rig, 'r', [origin], 3, options), real);

    expect(outcomes).toMatchObject(outcomes.map(() => ({ outcome: 'stored', bytes: body.length, attempts: 1 })));
    // What the last chunks cost is not waited for.
    expect(performance.now() - startedAt).toBeGreaterThan(((3 * body.length - 4 * 65_536) / (512 * 1024)) * 1_000);
  });
});
