import { describe, expect, test } from 'vitest';
import { crashLane } from '../support/crash-lane.ts';
import { anywhere, chance } from '../support/crash-points.ts';
import { killAndGoOn, type Trial } from '../support/crash-trial.ts';
import { variants } from '../support/crash-variants.ts';

/** Of each variant; `npm run crash:long` does as many as are asked for, before and after every single operation. */
const KILLS = 2;
const NOT_KILLED = { strikes: [], cleanAfter: undefined };

const lane = crashLane();

describe('whenever its process is killed, a run goes on to one version, one outcome and nothing left', () => {
  test.each(variants)('L01, I1, I2, I3, I4, I8: $name', async (variant) => {
    const random = chance(variants.indexOf(variant));
    const undisturbed = await killAndGoOn(variant, NOT_KILLED, lane());
    if (!undisturbed.counts) throw new Error('it did not end although nobody killed it');

    const trials: Trial[] = [];
    for (let kills = 0; kills < KILLS && trials.length < 3 * KILLS; kills += trials.at(-1)?.kills ?? 0) {
      const plan = anywhere(undisturbed.counts, random);
      const { violations, ...trial } = await killAndGoOn(variant, plan, lane());
      trials.push({ ...trial, violations });
      expect({ plan, violations }).toEqual({ plan, violations: [] });
    }

    expect(undisturbed.violations).toEqual([]);
    expect(trials.reduce((sum, { kills }) => sum + kills, 0)).toBeGreaterThanOrEqual(KILLS);
  });
});
