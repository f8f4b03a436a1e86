import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { type Effects, systemEffects } from '../../lib/library/effects.ts';
import { type Origin, startOrigin } from '../support/origin.ts';

interface Fixtures {
  readonly origin: Origin;
  /** An empty directory. */
  readonly to: string;
}

/** Both end with the test. */
export const it = test.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  origin: async ({}, use) => {
    const origin = await startOrigin();
    await use(origin);
    await origin.close();
  },
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  to: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'skyhaul-library-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

export const local = { allowNetworks: ['127.0.0.0/8'] };

/** Waits cost no time. */
export const impatient: Effects = { ...systemEffects, random: () => 0, pause: () => Promise.resolve() };

/** The name of the error that it ends with; fails the test where there is none, or one that is not ours. */
export async function errorOf(promise: Promise<unknown>): Promise<SkyhaulError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SkyhaulError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** What came before the end, and the error that it ended with. */
export async function readUntilError(pieces: AsyncIterable<Uint8Array>) {
  const read: Uint8Array[] = [];
  const error = await errorOf(
    (async () => {
      for await (const piece of pieces) read.push(piece);
    })(),
  );
  return { bytes: Buffer.concat(read), error };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Fails after 10 s. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries === 1_000) throw new Error('it did not come so');
    await sleep(10);
  }
}

/** Temporary files and open uploads of a directory. */
export async function leftovers(to: string): Promise<string[]> {
  return readdir(join(to, '.skyhaul', 'tmp')).catch(() => []);
}
