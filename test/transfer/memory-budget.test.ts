import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { USUAL_PART_BYTES } from '../../lib/store/part-plan.ts';
import { memoryBudget } from '../../lib/transfer/transfer-shard.ts';
import { it, listOf } from '../support/run-context.ts';

describe('memoryBudget', () => {
  it('I7: gives the lanes of any Lambda at least a buffer each and leaves room for the runtime', () => {
    fc.assert(
      fc.property(fc.integer({ min: 192, max: 10_240 }), (memoryMiB) => {
        const { bufferBytes, slots } = memoryBudget(memoryMiB * MiB, false);

        expect(slots).toBeGreaterThan(0);
        expect(slots * USUAL_PART_BYTES).toBeLessThanOrEqual(bufferBytes);
        expect(bufferBytes).toBeLessThanOrEqual((memoryMiB - 160) * MiB);
      }),
    );
  });

  it('I7: is stated when an attempt begins, with the slots that the batch asks for', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const plan = await rig.plan(listOf(rig, ['/a'], { slots: 3 }));

    await rig.transfer(plan, rig.context({ inProcess: false, memoryBytes: 256 * MiB }));

    const [stated] = rig.events.filter(({ event }) => event !== 'run.planned');
    expect(stated).toEqual({
      event: 'attempt.started',
      run: 'r',
      round: 0,
      shard: 0,
      slots: 3,
      bufferBytes: 96 * MiB,
    });
  });
});
