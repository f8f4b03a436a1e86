import { describe, expect, test } from 'vitest';
import { crashLane } from '../support/crash-lane.ts';
import { chance } from '../support/crash-points.ts';
import { variants } from '../support/crash-variants.ts';
import { anyOvertaking, type Overtaking, overtake } from '../support/crash-zombie.ts';

/** Of each variant; `npm run crash:long` does more. */
const ZOMBIES = 2;
const AWAKE = { zombie: undefined, successor: 'plan', meanwhile: undefined } as const;

const lane = crashLane();

describe('a worker that sleeps until another one has taken over, and then wakes, harms nothing', () => {
  // What comes in ranges takes many rounds, whose workers are no more concurrent than these.
  const chosen = variants.filter(({ options }) => options === undefined);

  test.each(chosen)('L06, L07, I1, I2, I3, I4: $name', async (variant) => {
    const random = chance(1_000 + variants.indexOf(variant));
    const { counts, violations: undisturbed } = await overtake(variant, AWAKE, lane());
    if (!counts) throw new Error('it did not end although nobody stopped it');
    expect(undisturbed).toEqual([]);

    let asleep = 0;
    for (let tries = 0; asleep < ZOMBIES && tries < 3 * ZOMBIES; tries += 1) {
      const plan = anyOvertaking(counts, random);
      const { violations, kills } = await overtake(variant, plan, lane());
      expect({ plan, violations }).toEqual({ plan, violations: [] });
      asleep += kills;
    }
    expect(asleep).toBe(ZOMBIES);
  });

  test('L06, I1, I3: wherever it sleeps, before or after any of its operations on the stores', async () => {
    const variant = variants.find(({ name }) => name === 'a small file that becomes another one');
    if (!variant) throw new Error('there is no such variant');
    const random = chance(7);
    const { counts } = await overtake(variant, AWAKE, lane());
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
        const { violations, kills } = await overtake(variant, plan, lane());
        expect({ plan, violations }).toEqual({ plan, violations: [] });
        asleep += kills;
      }
    }

    expect(operations).toBeGreaterThan(5);
    // Behind its last operation it may be over before it sleeps.
    expect(asleep).toBeGreaterThanOrEqual(2 * operations - 1);
  });
});
