import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { USUAL_PART_BYTES } from '../../lib/store/part-plan.ts';
import { memoryBudget } from '../../lib/transfer/transfer-shard.ts';

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
});
