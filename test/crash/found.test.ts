import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { endRound } from '../../lib/ledger/stop-marker.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';
import { wiredStore } from '../support/crash-store.ts';
import { Tripwire } from '../support/crash-trip.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const BODY = bytesOf('found', 20 * MiB);

function worker(rig: Rig, leftMs: number) {
  return rig.context({
    deadline: rig.clock.now + 30_000 + leftMs,
    inProcess: false,
    openDestination: (to) => wiredStore(openLocalStore(to), new Tripwire(), { usualPartBytes: MiB }),
  });
}

/** What a worker leaves behind that was killed before it wrote its rows for a second time. */
async function loseParts(rig: Rig): Promise<void> {
  const folder = join(rig.root, '.skyhaul/runs/r/ledger/0000/00000');
  for (const name of await readdir(folder)) {
    const rows = (await readFile(join(folder, name), 'utf8')).split('\n');
    await writeFile(join(folder, name), rows.filter((row) => !/"row":"(part|ended)"/.test(row)).join('\n'));
  }
}

describe('what the crash harness found', () => {
  it('L01, L18: ranges whose parts were stored by a killed worker, and whose rows were lost, come to an end', async ({
    rig,
  }) => {
    let asked = 0;
    rig.origin.on('/f', (request) => {
      asked += 1;
      return ranged(BODY, '"v1"', asked === 1 ? { stall: { afterBytes: 16 * MiB } } : {})(request);
    });
    const first = await rig.plan(listOf(rig, ['/f'], { perHostConnections: 2 }));
    await rig.transfer(first, worker(rig, 1_500));
    await loseParts(rig);
    rig.clock.now += 16 * 60_000;

    const ranges = await rig.plan(first);
    await rig.transfer(ranges, worker(rig, 60_000));
    const last = await rig.plan(ranges);

    expect(ranges.shards.reduce((sum, { items }) => sum + items, 0)).toBe(4);
    // Only the commit is left, and nothing was fetched twice.
    expect(last.shards).toMatchObject([{ items: 1 }]);
    const [outcome] = await rig.run(last);
    expect(outcome).toMatchObject({ outcome: 'stored', bytes: BODY.length });
    expect(rig.origin.requests.slice(1).map(({ headers }) => headers.range)).not.toContain('bytes=0-5242879');
    expect(BODY.equals(await readFile(join(rig.root, 'f')))).toBe(true);
  });

  it('L18: a worker that begins behind the end of its round asks for no other one', async ({ rig }) => {
    rig.origin.on('/f', ranged(BODY, '"v1"'));
    const plan = await rig.plan(listOf(rig, ['/f']));
    await endRound(rig.context().state, 'r', plan.round);

    const answers = await rig.transfer(plan, worker(rig, 60_000));

    expect(answers).toMatchObject([{ next: 'done' }]);
    expect(rig.origin.requests).toEqual([]);
  });
});
