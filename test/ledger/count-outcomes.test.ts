import { describe, expect } from 'vitest';
import { countOutcomes } from '../../lib/ledger/count-outcomes.ts';
import { it, listOf } from '../support/run-context.ts';

describe('the outcomes of a round', () => {
  it('are counted before anybody has folded it, each once, also where two attempts say the same', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    rig.origin.on('/b', { body: 'b' });
    const { state } = rig.context();
    const plan = await rig.plan(listOf(rig, ['/a', '/b', '/none'], { overwrite: 'always' }));
    expect(await countOutcomes(state, 'r', 0)).toEqual({ stored: 0, skipped: 0, failed: 0 });

    await rig.transfer(plan);
    await rig.transfer(plan, rig.context({ attempt: 'zombie' }));

    expect(await countOutcomes(state, 'r', 0)).toEqual({ stored: 2, skipped: 0, failed: 1 });
    expect(await countOutcomes(state, 'r', 1)).toEqual({ stored: 0, skipped: 0, failed: 0 });
  });
});
