import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { type CountingOrigin, type Handler, startCountingOrigin } from '../support/counting-origin.ts';
import { killPeer } from '../support/kill-peer.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { Runs } from './runs.ts';

/** Another one each time, named by a test that fails; give it to see the same again. */
const SEED = Number(process.env.SKYHAUL_SEED ?? Date.now() % 1_000_000);

let runs: Runs;

beforeAll(() => {
  runs = new Runs(deployedStack());
});

afterAll(() => runs.close());

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function close(origins: readonly CountingOrigin[]): Promise<void> {
  await Promise.all(origins.map((origin) => origin.close()));
}

function itemsOf(origins: readonly CountingOrigin[], each: number) {
  return origins.flatMap((origin, host) =>
    Array.from({ length: each }, (_, index) => ({ url: origin.url(`/${index}`), key: `${host}-${index}` })),
  );
}

/** Every item is stored, and no host ever had more connections than it may. */
async function expectPolite(
  origins: readonly CountingOrigin[],
  limits: readonly number[],
  input: object,
  seed: number,
) {
  const hosts = origins.map(({ host }, index) => ({ pattern: host, connections: limits[index] }));
  const { outcomes } = await runs.run({
    items: itemsOf(origins, 24),
    options: { hosts, maxConcurrency: 8, slots: 2, ...input },
  });

  expect(outcomes.filter(({ outcome }) => outcome !== 'stored')).toEqual([]);
  for (const [index, origin] of origins.entries()) {
    expect(origin.mostAtOnce, `host ${index}, seed ${seed}`).toBeLessThanOrEqual(limits[index] ?? 0);
    expect(origin.mostAtOnce).toBeGreaterThan(0);
  }
}

describe.concurrent('many workers at once', () => {
  it.each([SEED, SEED + 1, SEED + 2])(
    'H74: never hold more connections to a host than it may have (seed %i)',
    async (seed) => {
      const chance = chances(seed);
      const handler: Handler = (request, response) => {
        const luck = chance();
        if (luck < 0.03) request.socket.destroy();
        else if (luck < 0.08) response.writeHead(500).end();
        else setTimeout(() => response.end('small'), chance() * 400);
      };
      const origins = await Promise.all(Array.from({ length: 4 }, () => startCountingOrigin(handler)));
      const limits = origins.map(() => 1 + Math.floor(chance() * 4));

      await expectPolite(origins, limits, { attempts: 20 }, seed);

      await close(origins);
    },
  );

  it('L01: do not when some of them are killed either', async () => {
    const chance = chances(SEED);
    let kills = 0;
    const handler: Handler = (request, response) => {
      if (kills < 2 && chance() < 0.1) {
        kills += 1;
        void killPeer(request.socket);
      } else setTimeout(() => response.end('small'), chance() * 300);
    };
    const origins = await Promise.all(Array.from({ length: 3 }, () => startCountingOrigin(handler)));

    await expectPolite(origins, [1, 2, 3], {}, SEED);

    expect(kills).toBe(2);
    await close(origins);
  });

  it('keep to the limit of a host that many others redirect to from the second round on', async () => {
    let isBusy = true;
    const final = await startCountingOrigin((_request, response) => {
      if (isBusy) response.writeHead(503, { 'retry-after': '30' }).end();
      else setTimeout(() => response.end('small'), 100);
    });
    const origins = await Promise.all(
      Array.from({ length: 6 }, () =>
        startCountingOrigin((request, response) =>
          response.writeHead(302, { location: final.url(request.url ?? '') }).end(),
        ),
      ),
    );
    const run = runs.newRun();
    const options = { hosts: [{ pattern: final.host, connections: 2 }], maxConcurrency: 6 };
    const executionArn = await runs.start(run, { items: itemsOf(origins, 8), options });
    while ((await runs.store('').head(runKeys(run).status(1))) === undefined) await sleep(200);
    // The first round is over, and the second waits until the host may be asked again.
    final.reset();
    isBusy = false;

    const { counts } = await runs.ended(executionArn);

    expect(counts).toEqual({ stored: 48, skipped: 0, failed: 0 });
    expect(final.requests.length).toBe(48);
    expect(final.mostAtOnce).toBeGreaterThan(0);
    expect(final.mostAtOnce).toBeLessThanOrEqual(2);
    await close([final, ...origins]);
  });
});
