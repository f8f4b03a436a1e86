import { describe, it } from 'vitest';
import { GiB, MiB } from '../../../lib/contract/limits.ts';
import { expectSteadyMemory, slowSource, slowStore } from '../figures.ts';

const SIZES = [0.5 * GiB, 2 * GiB, 8 * GiB];
/** At 150 MiB a second no machine is the limit; sizes are such that it takes seconds. */
const RATE = 150 * MiB;
const SMALL_SIZES = [0.5 * GiB, 1.5 * GiB];

describe.each([1, 8])('%i slots', (slots) => {
  it('I7: 8 GiB take no more memory than 0.5 GiB', () => expectSteadyMemory({ name: 'fast', slots, sizes: SIZES }));

  it('I7: a slow store slows its sources down', () =>
    expectSteadyMemory({ name: 'slow store', slots, sizes: SMALL_SIZES, rig: slowStore(RATE) }));

  it('I7: a slow source leaves nothing behind', () =>
    expectSteadyMemory({ name: 'slow source', slots, sizes: SMALL_SIZES, rig: slowSource(RATE) }));
});
