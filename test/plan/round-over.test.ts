import { describe, expect } from 'vitest';
import { requestStop } from '../../lib/ledger/stop-marker.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, leftovers, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;

function deployed(rig: Rig) {
  return rig.context({ inProcess: false, deadline: rig.clock.now + 900_000, memoryBytes: 512 * MiB });
}

describe('a round that is over', () => {
  it('L07, I2: is not worked on by a worker that begins late, while the next one goes on', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    const first = await rig.plan(listOf(rig, ['/a']), deployed(rig));
    const next = await rig.plan(first, deployed(rig));

    await rig.transfer(first, deployed(rig));
    expect(rig.origin.requests).toEqual([]);
    await rig.transfer(next, deployed(rig));

    const last = await rig.plan(next, deployed(rig));
    expect(last).toMatchObject({ next: 'report' });
    expect(rig.origin.requests.length).toBe(1);
  });

  it('stays stopped for good when somebody has stopped the run meanwhile', async ({ rig }) => {
    const first = await rig.plan(listOf(rig, ['/a']), deployed(rig));
    await requestStop(rig.context().state, 'r');
    await rig.plan(first, deployed(rig));

    expect(await rig.plan(first, deployed(rig))).toMatchObject({ next: 'report' });
  });
});

describe('a run that was asked to stop', () => {
  it('I2: has no upload open any more when its Plan reports', async ({ rig }) => {
    // Uploads carry the time of the file system.
    rig.clock.now = Date.now();
    const body = bytesOf('stopped', 40 * MiB);
    rig.origin.on('/a', ranged(body, '"v1"', { stall: { afterBytes: 20 * MiB } }));
    const plan = await rig.plan(listOf(rig, ['/a']), deployed(rig));
    const working = rig.transfer(plan, deployed(rig));
    await rig.until(async () => (await leftovers(rig)).length > 0);
    await requestStop(rig.context().state, 'r');
    await working;
    expect((await leftovers(rig)).length).toBeGreaterThan(0);

    expect(await rig.plan(plan, deployed(rig))).toMatchObject({ next: 'report' });

    expect(await leftovers(rig)).toEqual([]);
  });
});
