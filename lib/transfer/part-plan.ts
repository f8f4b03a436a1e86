import { MiB } from '../contract/limits.ts';
import type { StoreLimits } from '../store/object-store.ts';

/** Large enough for few requests, small enough for many lanes in a small Lambda. */
export const USUAL_PART_BYTES = 8 * MiB;

/**
 * Bytes of each part but the last, as whole MiB. With a known length the smallest size, from 8 MiB up, at which the parts
 * fit into the store's part count; without one 8 MiB, which ends at 78 GiB on S3. Undefined: no size fits.
 */
export function partBytesFor(length: number | undefined, limits: StoreLimits): number | undefined {
  const usual = Math.min(Math.max(USUAL_PART_BYTES, limits.minPartBytes), limits.maxPartBytes);
  if (length === undefined) return usual;
  if (length > limits.maxObjectBytes) return undefined;
  const needed = Math.ceil(length / limits.maxParts / MiB) * MiB;
  const bytes = Math.max(usual, needed);
  return bytes <= limits.maxPartBytes ? bytes : undefined;
}
