import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import type { Script } from '../support/origin-script.ts';
import { it, leftovers, listOf, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
/** Twelve parts and a bit. */
const BODY = bytesOf('checkpoint', 96 * MiB + 7);
const STALLED: Script = { stall: { afterBytes: 41 * MiB } };

/** The file `/f`; its first answer stalls in the middle of part 6. */
function stallsOnce(rig: Rig, etag = '"v1"'): void {
  let asked = 0;
  rig.origin.on('/f', (request) => ranged(BODY, etag, ++asked === 1 ? STALLED : {})(request));
}

function lambda(rig: Rig, leftMs: number) {
  return { deadline: rig.clock.now + 30_000 + leftMs, inProcess: false, memoryBytes: 512 * MiB };
}

async function isStored(rig: Rig): Promise<boolean> {
  return BODY.equals(await readFile(join(rig.root, 'f')));
}

/** The first byte of every answer after the first. */
function beginnings(rig: Rig): number[] {
  return rig.origin.requests.slice(1).map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0));
}

/** Parts in the one open upload. */
async function storedParts(rig: Rig): Promise<number> {
  const [upload] = await leftovers(rig);
  if (upload === undefined) return 0;
  const files = await readdir(join(rig.root, '.skyhaul', 'tmp', upload)).catch(() => []);
  return files.filter((file) => /^\d+\.json$/.test(file)).length;
}

function ledgerOf(rig: Rig): string {
  return join(rig.root, '.skyhaul', 'runs', 'r', 'ledger', '0000', '00000');
}

describe('a large file', () => {
  it('H31, I6: is stopped at a part boundary before the deadline and goes on in the next invocation of its round', async ({
    rig,
  }) => {
    stallsOnce(rig);
    const plan = await rig.plan(listOf(rig, ['/f']));

    const answers = await rig.transfer(plan, rig.context(lambda(rig, 3_000)));
    expect(answers).toMatchObject([{ next: 'continue' }]);
    await rig.transfer(plan, rig.context(lambda(rig, 60_000)));

    const [outcome] = await rig.run(plan);
    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1 });
    expect(beginnings(rig)).toEqual([40 * MiB]);
    expect(await isStored(rig)).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('goes on under its run id after it was stopped, with all parts that it had', async ({ rig }) => {
    stallsOnce(rig);
    const stop = new AbortController();
    const plan = await rig.plan(listOf(rig, ['/f']));
    const first = rig.transfer(plan, rig.context({ signal: stop.signal }));
    await rig.until(async () => (await storedParts(rig)) === 5);
    stop.abort();
    await first;

    const [outcome] = await rig.run({ run: 'r', to: rig.root });

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1 });
    expect(Math.min(...beginnings(rig))).toBe(40 * MiB);
    expect(await isStored(rig)).toBe(true);
  });

  it('L01, L02, L03: loses nothing that the store has when its worker is killed and its rows are lost', async ({
    rig,
  }) => {
    stallsOnce(rig);
    const plan = await rig.plan(listOf(rig, ['/f']));
    await rig.transfer(plan, rig.context(lambda(rig, 3_000)));
    // What a killed worker leaves behind: the checkpoint, and nothing behind it.
    const names = (await readdir(ledgerOf(rig))).sort();
    for (const name of names) {
      const rows = (await readFile(join(ledgerOf(rig), name), 'utf8')).split('\n');
      const kept = rows.filter((row) => /"row":"(checkpoint)"/.test(row));
      await writeFile(join(ledgerOf(rig), name), kept.map((row) => `${row}\n`).join(''));
    }

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'stored' });
    expect(Math.min(...beginnings(rig))).toBe(40 * MiB);
    expect(await isStored(rig)).toBe(true);
  });

  it('is cut into ranges over the lanes of its host when its round is over, and committed once', async ({ rig }) => {
    stallsOnce(rig);
    const plan = await rig.plan(listOf(rig, ['/f'], { perHostConnections: 3 }));
    await rig.transfer(plan, rig.context(lambda(rig, 3_000)));
    rig.clock.now += 6 * 60_000;

    const next = await rig.plan(plan);
    expect(next.shards.reduce((sum, { lanes }) => sum + lanes, 0)).toBe(3);
    await rig.transfer(next);
    const last = await rig.plan(next);
    expect(last.shards).toMatchObject([{ items: 1, lanes: 1 }]);
    const asked = rig.origin.requests.length;
    const [outcome] = await rig.run(last);

    expect(outcome).toMatchObject({ outcome: 'stored', attempts: 1, bytes: BODY.length });
    // Nothing is fetched for the commit.
    expect(rig.origin.requests.length).toBe(asked);
    expect(rig.origin.connections.max).toBeLessThanOrEqual(3);
    expect(await isStored(rig)).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H43, H51: begins again as one when a range meets another version', async ({ rig }) => {
    let version = '"v1"';
    let asked = 0;
    rig.origin.on('/f', (request) => {
      const extra = ++asked === 1 ? STALLED : {};
      return ranged(BODY, version, extra)(request);
    });
    const plan = await rig.plan(listOf(rig, ['/f'], { perHostConnections: 3 }));
    await rig.transfer(plan, rig.context(lambda(rig, 3_000)));
    rig.clock.now += 6 * 60_000;
    version = '"v2"';

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'stored', sourceEtag: '"v2"' });
    expect(await isStored(rig)).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('H68: with a declared digest is read on in order, its hash with it', async ({ rig }) => {
    stallsOnce(rig);
    const sha256 = createHash('sha256').update(BODY).digest('hex');
    const plan = await rig.plan(listOf(rig, ['/f'], {}, { sha256 }));
    await rig.transfer(plan, rig.context(lambda(rig, 3_000)));
    rig.clock.now += 6 * 60_000;

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'stored', verified: 'digest', sha256 });
    expect(beginnings(rig)).toEqual([40 * MiB]);
  });

  it('H68: is not committed when the bytes of several invocations do not have the declared digest', async ({ rig }) => {
    stallsOnce(rig);
    const plan = await rig.plan(listOf(rig, ['/f'], {}, { md5: '0'.repeat(32) }));
    await rig.transfer(plan, rig.context(lambda(rig, 3_000)));

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'DigestMismatch' });
    await expect(isStored(rig)).rejects.toThrow('ENOENT');
    expect(await leftovers(rig)).toEqual([]);
  });

  it('S19: begins again when its open upload is gone', async ({ rig }) => {
    stallsOnce(rig);
    const plan = await rig.plan(listOf(rig, ['/f']));
    await rig.transfer(plan, rig.context(lambda(rig, 3_000)));
    await rm(join(rig.root, '.skyhaul', 'tmp'), { recursive: true });

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'stored' });
    expect(await isStored(rig)).toBe(true);
    expect(await leftovers(rig)).toEqual([]);
  });

  it('says SourceTooSlow when not even a part fits into an invocation, after half a minute of its clock', async ({
    rig,
  }) => {
    rig.origin.on('/f', () => {
      // The clock of the run goes on while the body drips.
      const timer = setInterval(() => {
        rig.clock.now += 10_000;
      }, 50);
      setTimeout(() => clearInterval(timer), 3_000);
      return ranged(BODY, '"v1"', { drip: { bytes: 1_000, everyMs: 20 } })({ headers: {} } as never);
    });
    const plan = await rig.plan(listOf(rig, ['/f']));
    await rig.transfer(plan, rig.context(lambda(rig, 870_000)));

    const [outcome] = await rig.run(plan);

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'SourceTooSlow' });
    expect(await leftovers(rig)).toEqual([]);
  });
});
