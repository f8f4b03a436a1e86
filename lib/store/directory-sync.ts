/**
 * Makes new names durable: fsync of the directory that holds them. Whoever asks while one runs waits for the next one
 * together with all others, so many lanes that write into one directory share a sync instead of queueing for their own.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { codeOf } from './local-errors.ts';

export class DirectorySync {
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, Promise<void>>();

  /** Resolves when every name that stood in the directory at the time of the call is on disk. */
  sync(directory: string): Promise<void> {
    const waiting = this.#waiting.get(directory);
    if (waiting !== undefined) return waiting;
    const job = this.#runAfter(this.#running.get(directory), directory);
    this.#waiting.set(directory, job);
    return job;
  }

  async #runAfter(earlier: Promise<void> | undefined, directory: string): Promise<void> {
    // Its failure is its own callers' matter. The wait also lets calls of this tick join.
    await earlier?.catch(() => undefined);
    await Promise.resolve();
    const job = this.#waiting.get(directory);
    this.#waiting.delete(directory);
    if (job !== undefined) this.#running.set(directory, job);
    try {
      await syncDirectory(directory);
    } finally {
      if (this.#running.get(directory) === job) this.#running.delete(directory);
    }
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems (FUSE, SMB) cannot sync a directory; they promise no more than they do.
    if (!['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    await handle.close();
  }
}
