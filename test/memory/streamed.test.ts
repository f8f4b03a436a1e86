import { expect, it } from 'vitest';
import { MiB } from '../../lib/contract/limits.ts';
import { runFiles } from '../support/memory-rig.ts';
import { expectStored, MEMORY_BYTES, print } from './figures.ts';

/** No usual part is too large to be held; a destination that takes no more than three parts makes them so. */
const FEW_PARTS = { memoryBytes: MEMORY_BYTES, limits: { maxParts: 3 } };

it('a part that is larger than half of the buffers is streamed into the store, and arrives as it was', async () => {
  const files = [200_000_001];

  const figures = await runFiles(files, { roundMinutes: 600 }, { worker: FEW_PARTS });

  expectStored(figures, files);
  print('streamed', 1, 200_000_001, figures);
  expect(figures.counts.part).toBe(3);
  const [worker] = figures.workers;
  // No part is ever in memory as a whole.
  expect((worker?.peakBytes ?? 0) - (worker?.baseBytes ?? 0)).toBeLessThan(64 * MiB);
});

it('I12: streamed parts of a file that is split over rounds and workers arrive as they were', async () => {
  const files = [1_000_000_001];
  const limits = { maxParts: 16 };

  const figures = await runFiles(
    files,
    { roundMinutes: 0.02, perHostConnections: 2 },
    { origin: { bytesPerSecond: 250 * MiB }, worker: { memoryBytes: MEMORY_BYTES, limits } },
  );

  expectStored(figures, files);
  print('streamed and split', 1, 1_000_000_001, figures);
  expect(figures.rounds).toBeGreaterThan(2);
  expect(figures.maxWorkers).toBe(2);
  expect(figures.origin.maxConnections).toBeLessThanOrEqual(2 + 1);
});
