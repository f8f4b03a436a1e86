import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chance } from '../support/crash-points.ts';
import { CrashProcesses } from '../support/crash-processes.ts';
import { variants } from '../support/crash-variants.ts';
import { anyOvertaking, type Overtaking, overtake } from '../support/crash-zombie.ts';
import { type Origin, startOrigin } from '../support/origin.ts';

/** Of each variant; `npm run crash:long` does more. */
const ZOMBIES = 2;
const AWAKE = { zombie: undefined, successor: 'plan', meanwhile: undefined } as const;

let origin: Origin;
let processes: CrashProcesses;

beforeAll(async () => {
  origin = await startOrigin();
  processes = await CrashProcesses.start();
});

afterAll(async () => {
  await processes.close();
  await origin.close();
});

describe('a worker that sleeps until another one has taken over, and then wakes, harms nothing', () => {
  // What comes in ranges takes many rounds, whose workers are no more concurrent than these.
  const chosen = variants.filter(({ options }) => options === undefined);

  test.each(chosen)('L06, L07, I1, I2, I3, I4: $name', async (variant) => {
    const random = chance(1_000 + variants.indexOf(variant));
    const { counts, violations: undisturbed } = await overtake(variant, AWAKE, { origin, processes });
    if (!counts) throw new Error('it did not end although nobody stopped it');
    expect(undisturbed).toEqual([]);

    let asleep = 0;
    for (let tries = 0; asleep < ZOMBIES && tries < 3 * ZOMBIES; tries += 1) {
      const plan = anyOvertaking(counts, random);
      const { violations, kills } = await overtake(variant, plan, { origin, processes });
      expect({ plan, violations }).toEqual({ plan, violations: [] });
      asleep += kills;
    }
    expect(asleep).toBe(ZOMBIES);
  });

  test('L06, I1, I3: wherever it sleeps, before or after any of its operations on the stores', async () => {
    const variant = variants.find(({ name }) => name === 'a small file that becomes another one');
    if (!variant) throw new Error('there is no such variant');
    const random = chance(7);
    const { counts } = await overtake(variant, AWAKE, { origin, processes });
    const operations = counts?.store ?? 0;

    let asleep = 0;
    for (let at = 1; at <= operations; at += 1) {
      for (const when of ['before', 'after'] as const) {
        const { successor } = anyOvertaking({ store: 1, files: 0, bytes: 0 }, random);
        const plan: Overtaking = {
          zombie: { level: 'store', at, when, signal: 'SIGSTOP' },
          successor,
          meanwhile: undefined,
        };
        const { violations, kills } = await overtake(variant, plan, { origin, processes });
        expect({ plan, violations }).toEqual({ plan, violations: [] });
        asleep += kills;
      }
    }

    expect(operations).toBeGreaterThan(5);
    // Behind its last operation it may be over before it sleeps.
    expect(asleep).toBeGreaterThanOrEqual(2 * operations - 1);
  });
});
