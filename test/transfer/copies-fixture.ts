import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanAnswer } from '../../lib/contract/machine.ts';
import type { StoreLimits } from '../../lib/store/object-store.ts';
import { memoryContext } from '../support/memory-context.ts';
import type { MemoryS3 } from '../support/memory-s3.ts';
import type { Rig } from '../support/run-context.ts';

/** Lines that ask for the same under keys of their own, with `duplicates: copy`. */
export const LARGE = { seed: 7, bytes: 9 * 1024 * 1024 };

/** What makes the S3 the destination of a rig. */
export function onS3({ endpoint }: MemoryS3, limits: Partial<StoreLimits> = {}) {
  const { openDestination } = memoryContext({ endpoint, memoryBytes: 0, limits }, 'a', () => undefined);
  return { openDestination };
}

/** The path under each of the keys. */
export function list(rig: Rig, path: string, keys: readonly string[]) {
  const items = keys.map((key) => ({ url: rig.origin.url(path), key }));
  return { run: 'r', to: rig.root, items, options: { duplicates: 'copy' } };
}

export const asked = (rig: Rig, path: string) => rig.origin.requests.filter((request) => request.path === path).length;
export const read = (rig: Rig, key: string) => readFile(join(rig.root, key), 'utf8');

/** Up to the round in which the copies are due. */
export async function toCopies(rig: Rig, input: unknown): Promise<PlanAnswer> {
  const first = await rig.plan(input);
  await rig.transfer(first);
  return rig.plan(first);
}
