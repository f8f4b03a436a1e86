/**
 * Mutual exclusion between processes on one directory, by a file that only one can create. It is held for a few system
 * calls; one older than 30 s belongs to a process that died and is taken over. Who was robbed of it notices with
 * `isHeld` before its act.
 */
import { randomUUID } from 'node:crypto';
import { type BigIntStats, lstatSync } from 'node:fs';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, unlessMissing } from './local-errors.ts';

const STALE_AFTER_MS = 30_000;
const POLL_MS = 10;

export interface FileLock {
  /** At once, so that nothing comes between the answer and an act that follows at once. */
  isHeld(): boolean;
}

export async function withFileLock<T>(
  file: string,
  now: () => number,
  work: (lock: FileLock) => Promise<T>,
): Promise<T> {
  const own = await acquire(file, now);
  const isHeld = () => identityOf(lstatSync(file, { bigint: true, throwIfNoEntry: false }))?.id === own;
  try {
    return await work({ isHeld });
  } finally {
    if (isHeld()) await rm(file, { force: true });
  }
}

async function acquire(file: string, now: () => number): Promise<string> {
  for (;;) {
    try {
      await (await open(file, 'wx', 0o600)).close();
      const made = await identify(file);
      if (made !== undefined) return made.id;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const found = await identify(file);
    if (found !== undefined && now() - found.madeAt > STALE_AFTER_MS) await takeAway(file, found.id);
    else await sleep(POLL_MS);
  }
}

/** Moving is atomic, so of two that find a stale lock one moves it; whoever moved a fresh one by that puts it back. */
async function takeAway(file: string, stale: string): Promise<void> {
  const aside = `${file}.${randomUUID()}.tmp`;
  try {
    await rename(file, aside);
    if ((await identify(aside))?.id !== stale) await link(aside, file);
  } catch {
    // Somebody else was quicker, or made a new one: the next look tells.
  } finally {
    await rm(aside, { force: true });
  }
}

async function identify(file: string) {
  return identityOf(await unlessMissing(lstat(file, { bigint: true })));
}

function identityOf(stats: BigIntStats | undefined): { id: string; madeAt: number } | undefined {
  return stats && { id: `${stats.ino}-${stats.mtimeNs}`, madeAt: Number(stats.mtimeNs / 1_000_000n) };
}
