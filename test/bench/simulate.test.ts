import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../bench/simulate/event-queue.ts';
import { FAILED, Ledger, STORED } from '../../bench/simulate/ledger.ts';
import { OUR_DEFAULTS, simulateOurs } from '../../bench/simulate/ours.ts';
import { simulateFixedShards, simulateOnePerChild } from '../../bench/simulate/peers.ts';
import { buildWorld, type World } from '../../bench/simulate/world.ts';
import { priceOf } from '../../lib/contract/prices.ts';
import { costOf } from '../../lib/report/cost.ts';

const limit = OUR_DEFAULTS.perHostConnections;
const peer = { concurrency: 100, perHostConnections: limit, memoryMegabytes: 1_024 };

const someWorlds = fc
  .record({
    seed: fc.integer({ min: 1, max: 1_000 }),
    items: fc.integer({ min: 1, max: 3_000 }),
    hosts: fc.integer({ min: 1, max: 150 }),
    zipf: fc.constantFrom(0, 0.7, 1, 1.5),
  })
  .map(buildWorld);

/** One host that answers everything after so many milliseconds, and nothing else in the world. */
function quietWorld(items: number): World {
  return {
    seed: 3,
    items,
    hosts: 1,
    zipf: 1,
    hostOf: new Int32Array(items),
    bytesOf: new Float64Array(items).fill(1_000),
    itemsOf: Int32Array.of(items),
    latencyMs: Float32Array.of(100),
    bytesPerMs: Float32Array.of(1_000),
    tolerance: Int32Array.of(0),
    perSecond: Float32Array.of(0),
    retryAfterMs: Int32Array.of(1_000),
    isDead: Uint8Array.of(0),
  };
}

describe('the simulation', () => {
  it('gives every line exactly one outcome, whoever loads the list', async () => {
    await fc.assert(
      fc.asyncProperty(someWorlds, fc.constantFrom(1, 7, 200), async (world, concurrency) => {
        const results = [
          await simulateOurs(world, { ...OUR_DEFAULTS, concurrency }),
          simulateOnePerChild(world, { ...peer, concurrency }),
          simulateFixedShards(world, { ...peer, concurrency }),
        ];

        for (const { system } of results) {
          expect(system.ledger.ended).toBe(world.items);
          expect(system.ledger.outcomes.every((outcome) => outcome === STORED || outcome === FAILED)).toBe(true);
          expect(system.hosts.open).toBe(0);
        }
      }),
      { numRuns: 25 },
    );
  });

  it('never has more connections to a host than the limit where our planner laid out the lanes', async () => {
    await fc.assert(
      fc.asyncProperty(
        someWorlds,
        fc.constantFrom(1, 7, 200),
        fc.integer({ min: 1, max: 8 }),
        async (world, concurrency, perHostConnections) => {
          const { system } = await simulateOurs(world, { ...OUR_DEFAULTS, concurrency, perHostConnections });

          expect(system.hosts.peak).toBeLessThanOrEqual(perHostConnections);
          expect(system.hosts.above).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('sees those go above it who do not count connections', () => {
    const world = buildWorld({ seed: 5, items: 2_000, hosts: 3, zipf: 1 });

    expect(simulateOnePerChild(world, peer).system.hosts.peak).toBeGreaterThan(limit);
    expect(simulateFixedShards(world, peer).system.hosts.above).toBeGreaterThan(500);
  });

  it('says the same again for the same seed, and something else for another one', async () => {
    const told = async (seed: number) => {
      const world = buildWorld({ seed, items: 4_000, hosts: 60, zipf: 1 });
      const { system, wallMs } = await simulateOurs(world, OUR_DEFAULTS);
      return { wallMs, bill: system.ledger.bill, outcomes: Array.from(system.ledger.outcomes) };
    };

    expect(await told(1)).toEqual(await told(1));
    expect(await told(2)).not.toEqual(await told(1));
  });

  it('takes as long as one reckons by hand: a single line from a single host', async () => {
    const { system, wallMs } = await simulateOurs(quietWorld(1), OUR_DEFAULTS);
    const child = simulateOnePerChild(quietWorld(1), { ...peer, memoryMegabytes: 1_769 });

    // Four transitions at 5,000 a second come at once; 600 ms cold start, 20 HEAD, 160 connect and answer, 1 for the body,
    // 2 ms of CPU at 1,024 of 1,769 MB (and 1,000 bytes of it), 40 for the PUT.
    const cpuMs = ((2 + 1_600 * (1_000 / 2 ** 30)) * 1_769) / 1_024;
    expect(system.ledger.workerMs).toBeCloseTo(600 + 20 + 160 + 1 + cpuMs + 40, 6);
    // Plan 20 s and 0.03 ms, the shard, Plan once more, the report.
    expect(wallMs).toBeCloseTo(20_000.03 + 600 + 20 + 160 + 1 + cpuMs + 40 + 20_000 + 20_000.03, 6);
    // No HEAD, and a whole CPU; a second before its first event nothing else was asked for, so its start is free.
    expect(child.system.ledger.workerMs).toBeCloseTo(600 + 160 + 1 + 2 + 1_600 * (1_000 / 2 ** 30) + 40, 6);
    // One PUT of the object; a shard and its ledger (started, ended), and of two Plans and the report what they write.
    expect(child.system.ledger.bill).toMatchObject({ put: 1, transitions: 2, invocations: 1 });
    expect(system.hosts.requests).toBe(1);
  });

  it('keeps six lanes of one host busy, and no more', async () => {
    const { system } = await simulateOurs(quietWorld(600), OUR_DEFAULTS);

    // 100 lines in each lane, each of them 161 ms and more: connect once, then HEAD, answer, CPU, PUT.
    expect(system.hosts.peak).toBe(6);
    expect(system.ledger.lastAt - 20_000).toBeGreaterThan(100 * 161);
    expect(system.ledger.lastAt - 20_000).toBeLessThan(100 * 175 + 2_000);
  });

  it('prices a bill as the report of a run does', () => {
    const bill = { put: 12_345, get: 67_890, gigabyteSeconds: 50_000, invocations: 300, transitions: 1_200 };

    expect(priceOf(bill).total).toBeCloseTo(costOf(bill, true), 3);
  });
});

describe('the books', () => {
  it('refuse an item that ends twice', () => {
    const ledger = new Ledger(2);
    ledger.end(1, STORED, 0);

    expect(() => ledger.end(1, FAILED, 1)).toThrow(/item 1 ends twice/);
  });
});

describe('the queue', () => {
  it('hands out events in the order of their times, whatever order they came in', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { maxLength: 3_000 }), (times) => {
        const queue = new EventQueue();
        times.forEach((at, id) => {
          queue.push(at, id);
        });
        const taken: number[] = [];
        for (let id = queue.take(); id !== undefined; id = queue.take()) taken.push(times[id] ?? -1);

        expect(taken).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });
});
