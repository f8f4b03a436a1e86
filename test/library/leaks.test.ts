import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect } from 'vitest';
import { startMemoryS3 } from '../support/memory-s3.ts';
import type { Origin, RecordedRequest } from '../support/origin.ts';
import type { Script } from '../support/origin-script.ts';
import { it, leftovers, until } from './fixture.ts';
import type { LeakFigures, LeaksJob } from './leaks-process.ts';

const ITEMS = 10_000;
/** 0 to 2 KiB, every twentieth empty, another one missing, another one cut, some chunked. */
function serveSmallItems(origin: Origin): void {
  const cut = new Set<number>();
  origin.on('/item', ({ path }: RecordedRequest): Script => {
    const n = Number(new URLSearchParams(path.split('?')[1]).get('n'));
    const body = { seed: n, bytes: n % 20 === 0 ? 0 : (n * 37) % 2_049 };
    if (n % 20 === 1) return { status: 404, body: 'nothing here' };
    if (n % 20 === 3) return { body, framing: 'chunked', chunkBytes: 500 };
    if (n % 20 !== 2 || cut.has(n)) return { body };
    cut.add(n);
    return { body: { seed: n, bytes: 1_000 }, cut: { afterBytes: 500, by: n % 40 === 2 ? 'fin' : 'rst' } };
  });
}

async function run(job: LeaksJob): Promise<LeakFigures> {
  const script = join(import.meta.dirname, 'leaks-process.ts');
  // A young generation that grows to its full size over the first thousands of items looks like a leak.
  const args = ['--expose-gc', '--max-semi-space-size=4', '--no-warnings', script, JSON.stringify(job)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

function expectNothingLeaked({ ends, marks, before, after }: LeakFigures, origin: Origin): void {
  expect(ends).toEqual({ stored: ITEMS - ITEMS / 20, NotFound: ITEMS / 20 });
  expect(after.handles).toEqual(before.handles);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 1);
  const [first, last] = [marks[0], marks.at(-1)];
  if (!first || last?.items !== ITEMS) throw new Error('no figures');
  const inMiB = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  console.log(
    `heap of RSS, MiB: ${marks.map((mark) => `${inMiB(mark.heapBytes)} of ${inMiB(mark.rssBytes)}`).join(', ')}`,
  );
  expect(last.heapBytes / first.heapBytes).toBeLessThan(1.2);
  expect(last.rssBytes / first.rssBytes).toBeLessThan(1.15);
  // A connection for each of the 6 items at once to the host, and as many files or requests.
  for (const { descriptors } of marks) expect(descriptors - before.descriptors).toBeLessThan(40);
  // Those that were cut are still to be seen there when the next ones come.
  expect(origin.connections.max).toBeLessThanOrEqual(12);
}

describe('ten thousand small items', { timeout: 600_000 }, () => {
  it('leave no socket, file handle or memory behind in a directory', async ({ origin, to }) => {
    serveSmallItems(origin);

    const figures = await run({ origin: origin.url(''), items: ITEMS, to });

    expectNothingLeaked(figures, origin);
    expect(await leftovers(to)).toEqual([]);
    const folders = (await readdir(to)).filter((name) => name !== '.skyhaul');
    expect(folders).toHaveLength(95);
    await until(() => origin.connections.open === 0);
  });

  it('leave none behind on S3, and are never sent as multipart uploads', async ({ origin }) => {
    serveSmallItems(origin);
    const s3 = await startMemoryS3({ buckets: ['bucket'] });

    const figures = await run({ origin: origin.url(''), items: ITEMS, to: 's3://bucket/in', endpoint: s3.endpoint });

    expectNothingLeaked(figures, origin);
    expect(s3.count('create')).toBe(0);
    expect(s3.objects()).toHaveLength(ITEMS - ITEMS / 20);
    await until(() => origin.connections.open === 0);
    await s3.close();
  });
});
