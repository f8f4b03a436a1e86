import { expect, it } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { expectStored, MEMORY_BYTES } from '../memory/figures.ts';
import { runFiles } from '../support/memory-rig.ts';

const BYTES = Number(process.env.SKYHAUL_SCALE_BYTES ?? 20_000_000_003);
const PART_BYTES = 8 * MiB;

it(`I12: a file of ${BYTES} bytes is begun by one worker, cut short by the ends of rounds, filled by four and committed once`, async () => {
  const figures = await runFiles(
    [BYTES],
    { roundMinutes: 0.2, perHostConnections: 4 },
    { worker: { memoryBytes: MEMORY_BYTES } },
  );

  const { rounds, seconds, workers, maxWorkers, counts, origin, outcomes } = figures;
  const peakMiB = Math.round(Math.max(...workers.map(({ peakBytes }) => peakBytes)) / MiB);
  console.log(
    `${(BYTES / 1e9).toFixed(1)} GB: ${seconds.toFixed(0)} s, ${Math.round(BYTES / seconds / 1e6)} MB/s, ` +
      `${rounds} rounds, ${workers.length} workers (${maxWorkers} at once), peak ${peakMiB} MiB each, ` +
      `${counts.part} parts sent of ${Math.ceil(BYTES / PART_BYTES)}, ${origin.requests} requests to the source, ` +
      `${(origin.bytes / BYTES).toFixed(3)} of its bytes, ${JSON.stringify(counts)}`,
  );
  expectStored(figures, [BYTES]);
  expect(outcomes).toMatchObject([{ outcome: 'stored', bytes: BYTES, attempts: 1 }]);
  expect(counts).toMatchObject({ create: 1, complete: 1 });
  expect(rounds).toBeGreaterThan(2);
  expect(maxWorkers).toBe(4);
  expect(origin.maxConnections).toBeLessThanOrEqual(4);
  // What a round cuts off is at most a part for each worker.
  expect(origin.bytes).toBeLessThan(BYTES + rounds * 4 * 2 * PART_BYTES);
  expect(peakMiB * MiB).toBeLessThanOrEqual(MEMORY_BYTES);
});
