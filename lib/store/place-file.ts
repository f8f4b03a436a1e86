/**
 * The only place where a file gets its final name: one system call, under the commit's condition. What is placed is
 * complete and on disk by then, so a crash leaves the old object or the new one, never a part of one.
 */
import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type FileLock, withFileLock } from './file-lock.ts';
import { showKey } from './key-rules.ts';
import { codeOf, unlessMissing } from './local-errors.ts';
import { localEtag } from './local-sidecar.ts';
import type { Condition } from './object-store.ts';

/** File systems without hard links (FAT, some of FUSE) say so in one of these ways. */
export const NO_HARD_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

export interface Placement {
  readonly key: string;
  readonly from: string;
  readonly to: string;
  readonly tmp: string;
  readonly condition: Condition;
}

export interface PlacementEffects {
  readonly now: () => number;
  readonly link: (existing: string, path: string) => Promise<void>;
}

export const placementEffects: PlacementEffects = { now: Date.now, link };

/** Throws CommitConflict, and then `from` still stands. */
export async function placeFile(placement: Placement, effects: PlacementEffects): Promise<void> {
  const { from, to, condition } = placement;
  switch (condition.kind) {
    case 'any':
      return rename(from, to);
    case 'absent':
      try {
        await effects.link(from, to);
      } catch (error) {
        const code = codeOf(error) ?? '';
        if (code === 'EEXIST') throw conflict(placement, 'something stands there already');
        if (!NO_HARD_LINKS.includes(code)) throw error;
        // Exclusive among Skyhaul's own processes, which is what such a file system allows.
        return placeUnderLock(placement, effects, undefined);
      }
      return unlink(from);
    case 'matches':
      return placeUnderLock(placement, effects, condition.etag);
  }
}

/** Compare and swap: a file has no such operation, so look and rename happen under a lock of the key. */
async function placeUnderLock(
  placement: Placement,
  effects: PlacementEffects,
  etag: string | undefined,
): Promise<void> {
  const name = createHash('sha256').update(placement.key).digest('hex');
  const swap = async (lock: FileLock) => {
    const stats = await unlessMissing(lstat(placement.to, { bigint: true }));
    if ((stats && localEtag(stats)) !== etag) throw conflict(placement, 'it is not what stood there before');
    // Synchronous, both: between them nobody else can take the lock, look at what stands there, and replace it.
    if (!lock.isHeld()) throw conflict(placement, 'another process took the lock of the key');
    renameSync(placement.from, placement.to);
  };
  await withFileLock(join(placement.tmp, `${name}.swap`), effects.now, swap);
}

function conflict({ key }: Placement, why: string): SkyhaulError {
  return new SkyhaulError('CommitConflict', `${showKey(key)} was not written: ${why}.`);
}
