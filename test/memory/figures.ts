import { expect } from 'vitest';
import { GiB, MiB } from '../../lib/contract/limits.ts';
import { type RigOptions, type RunFigures, runFiles, wantedObjects } from '../support/memory-rig.ts';

/** A Lambda at the small end, where memory is scarce. */
export const MEMORY_BYTES = 256 * MiB;
/** Between one size and the next. */
const GROWTH_BYTES = 8 * MiB;

export interface Setting {
  readonly name: string;
  readonly slots: number;
  /** Bytes of all files together, ascending; each has `slots` files. */
  readonly sizes: readonly number[];
  readonly rig?: RigOptions;
}

const FAST: RigOptions = {};
export const slowStore = (bytesPerSecond: number): RigOptions => ({ s3: { bytesPerSecond } });
export const slowSource = (bytesPerSecond: number): RigOptions => ({ origin: { bytesPerSecond } });

/**
 * The same transfer at growing sizes: every object right, every peak within the memory of the Lambda and within what was
 * stated at the start, and no peak more than 8 MiB above that of the size before. Prints a line for each.
 */
export async function expectSteadyMemory({ name, slots, sizes, rig = FAST }: Setting): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  for (const bytes of sizes) {
    let peakBytes = await peakOf(name, slots, bytes, rig);
    // Noise only adds: what grows with the size grows in a second run too.
    if (peakBytes > before + GROWTH_BYTES) peakBytes = Math.min(peakBytes, await peakOf(name, slots, bytes, rig));
    expect(peakBytes - before, `growth up to ${bytes} bytes`).toBeLessThanOrEqual(GROWTH_BYTES);
    before = peakBytes;
  }
}

async function peakOf(name: string, slots: number, bytes: number, rig: RigOptions): Promise<number> {
  const files = Array.from({ length: slots }, () => Math.floor(bytes / slots) + 1);
  const options = { slots, perHostConnections: slots, maxConcurrency: 1, roundMinutes: 600 };
  const figures = await runFiles(files, options, { ...rig, worker: { memoryBytes: MEMORY_BYTES, ...rig.worker } });
  expectStored(figures, files);
  const [worker] = figures.workers;
  if (worker === undefined) throw new Error('no worker');
  const { budget, baseBytes, peakBytes } = worker;
  print(name, slots, bytes, figures);
  expect(budget.slots).toBe(slots);
  expect(peakBytes).toBeLessThanOrEqual(MEMORY_BYTES);
  // Beside the buffers: sockets, TLS, the heap, and garbage that is not collected yet.
  expect(peakBytes).toBeLessThanOrEqual(baseBytes + budget.bufferBytes + REST_BYTES);
  return peakBytes;
}

const REST_BYTES = 64 * MiB;

/** Each file under its key, proved by size and CRC32 of the whole, and nothing left open. */
export function expectStored({ outcomes, objects, openUploads }: RunFigures, files: readonly number[]): void {
  expect(outcomes.map(({ outcome, message }) => message ?? outcome)).toEqual(files.map(() => 'stored'));
  expect(objects).toMatchObject(wantedObjects(files));
  expect(openUploads).toBe(0);
}

/** One line of the table. */
export function print(name: string, slots: number, bytes: number, { workers, seconds, counts }: RunFigures): void {
  const peak = Math.max(...workers.map(({ peakBytes }) => peakBytes));
  const base = Math.max(...workers.map(({ baseBytes }) => baseBytes));
  const cpu = workers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const buffers = workers[0]?.budget.bufferBytes ?? 0;
  const mib = (value: number) => `${Math.round(value / MiB)} MiB`;
  const cells = [
    name.padEnd(28),
    `${slots} slots`.padStart(8),
    `${(bytes / GiB).toFixed(2)} GiB`.padStart(10),
    `base ${mib(base)}`,
    `buffers ${mib(buffers)}`,
    `peak ${mib(peak)}`,
    `${counts.part ?? 0} parts`.padStart(11),
    `${seconds.toFixed(1)} s`.padStart(8),
    `${((cpu * GiB) / bytes).toFixed(2)} CPU s/GiB`,
  ];
  console.log(cells.join('  '));
}
