import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { it, listOf, type Rig } from '../support/run-context.ts';

/** Refuses every file some times before it serves it. */
function refuseFirst(rig: Rig, paths: readonly string[], times: number, headers: Record<string, string>, status = 503) {
  const asked = new Map<string, number>();
  for (const path of paths) {
    rig.origin.on(path, () => {
      const count = (asked.get(path) ?? 0) + 1;
      asked.set(path, count);
      return count <= times ? { status, headers } : { body: path };
    });
  }
}

const files = (count: number) => Array.from({ length: count }, (_, index) => `/${index}`);
const rounds = ({ events }: Rig) => events.filter(({ event }) => event === 'run.planned').length;

describe('a host that refuses every file before it serves it', () => {
  it.for([
    ['twice, with Retry-After: 1', 2, { 'Retry-After': '1' }, 1],
    ['twice, without a word', 2, {}, 1],
    ['twice, with a wait that is not slept through', 2, { 'Retry-After': '60' }, 60],
    ['three times, without a word', 3, {}, 20],
  ] as const)('%s is waited for: all is stored, in bounded rounds', async ([, times, headers, most], { rig }) => {
    const paths = files(20);
    refuseFirst(rig, paths, times, headers);

    const outcomes = await rig.run(listOf(rig, paths));

    expect(outcomes.map(({ outcome, attempts }) => [outcome, attempts])).toEqual(
      paths.map(() => ['stored', times + 1]),
    );
    expect(rounds(rig)).toBeLessThanOrEqual(most);
    expect(rig.origin.requests.length).toBe(paths.length * (times + 1));
  });

  it('is loaded to the end, however it says so and however many lanes it has', { timeout: 120_000 }, async ({
    rig,
  }) => {
    const source = fc.record({
      count: fc.integer({ min: 2, max: 24 }),
      times: fc.integer({ min: 1, max: 3 }),
      retryAfter: fc.constantFrom(undefined, '0', 'soon', '25', '1e9', '999999999'),
      status: fc.constantFrom(429, 503),
      perHostConnections: fc.integer({ min: 1, max: 8 }),
      maxConcurrency: fc.integer({ min: 1, max: 3 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(source, async ({ count, times, retryAfter, status, ...options }) => {
        run += 1;
        const paths = files(count).map((path) => `/${run}${path}`);
        refuseFirst(rig, paths, times, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }, status);

        const outcomes = await rig.run({ ...listOf(rig, paths, options), run: `r${run}` });

        expect(outcomes.map(({ outcome, attempts }) => [outcome, attempts])).toEqual(
          paths.map(() => ['stored', times + 1]),
        );
      }),
      { numRuns: 12 },
    );
  });

  it('stands in nobody’s way: one file that is always refused does not keep the others waiting', async ({ rig }) => {
    const paths = files(20);
    for (const path of paths) rig.origin.on(path, { body: path });
    rig.origin.on('/0', { status: 503, headers: { 'Retry-After': '60' } });

    const outcomes = await rig.run(listOf(rig, paths));

    expect(outcomes[0]).toMatchObject({ outcome: 'failed', error: 'Throttled', attempts: 5 });
    expect(outcomes.slice(1).every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(rounds(rig)).toBeLessThanOrEqual(5);
  });

  it('is asked no more than a few times a round when it never serves any', async ({ rig }) => {
    const paths = files(20);
    for (const path of paths) rig.origin.on(path, { status: 503 });

    const outcomes = await rig.run(listOf(rig, paths));

    expect(outcomes.every(({ error }) => error === 'Throttled')).toBe(true);
    // Six lanes three times, then seven probes.
    expect(rig.origin.requests.length).toBeLessThanOrEqual(6 * 3 + 7 * 3);
    expect(rounds(rig)).toBe(8);
  });
});
