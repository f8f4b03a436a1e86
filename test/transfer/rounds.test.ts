import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { startOrigin } from '../support/origin.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, type Rig } from '../support/run-context.ts';

const MiB = 1024 * 1024;
const BODY = bytesOf('slow', 48 * MiB);
/** Eight MiB a second: a part each. */
const SLOW = { drip: { bytes: 256 * 1024, everyMs: 31 } };

/** The clock of the run goes twenty times as fast as that of the sockets. */
function quickly(rig: Rig) {
  const begun = Date.now();
  return { now: () => rig.clock.now + (Date.now() - begun) * 20 };
}

describe('a round', () => {
  it('ends in spite of a slow item, so that the retry of another host does not wait for it', async ({ rig }) => {
    const other = await startOrigin({}, { address: '127.0.0.2' });
    const answered: string[] = [];
    rig.origin.on('/slow', (request) => {
      answered.push('slow');
      return ranged(BODY, '"v1"', SLOW)(request);
    });
    other.on('/flaky', () => {
      answered.push('flaky');
      return answered.filter((name) => name === 'flaky').length === 1
        ? { status: 503, headers: { 'Retry-After': '21' } }
        : { body: 'there' };
    });
    const items = [
      { url: rig.origin.url('/slow'), key: 'slow' },
      { url: other.url('/flaky', '127.0.0.2'), key: 'flaky' },
    ];
    const options = { roundMinutes: 0.2, perHostConnections: 1 };

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options }, quickly(rig));
    await other.close();

    expect(outcomes).toMatchObject([
      { outcome: 'stored', attempts: 1 },
      { outcome: 'stored', attempts: 2 },
    ]);
    expect(BODY.equals(await readFile(join(rig.root, 'slow')))).toBe(true);
    // The slow one was asked for again after the retry had been answered: it was not waited for.
    expect(answered.lastIndexOf('slow')).toBeGreaterThan(answered.lastIndexOf('flaky'));
  });

  it('is waited for by no range of a large file longer than a part takes', async ({ rig }) => {
    rig.origin.on('/slow', ranged(BODY, '"v1"', SLOW));
    rig.origin.on(
      '/large',
      ranged(bytesOf('large', 120 * MiB), '"v2"', ({ headers }) => (headers.range ? {} : SLOW)),
    );
    const items = ['slow', 'large'].map((key) => ({ url: rig.origin.url(`/${key}`), key }));
    const options = { roundMinutes: 0.2, perHostConnections: 2 };

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options }, quickly(rig));

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
    const asked = rig.origin.requests.map(({ path, headers }) => `${path} ${headers.range ? 'range' : 'all'}`);
    // The rest of the large file was under way while the slow one was still being read.
    expect(asked.indexOf('/large range')).toBeLessThan(asked.lastIndexOf('/slow range'));
  });
});
