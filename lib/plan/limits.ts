import type { Options } from '../contract/options.ts';
import type { ShardHeader } from '../contract/work.ts';
import type { Left, Status } from './status.ts';

/**
 * Limits that end a run: pure. What is stored by then stays, what is under way is finished, and the rest is reported as
 * LimitReached with these words. Numbers that a run stops behind are counted between rounds here, and within a round by
 * its workers (`Tally`).
 */
type RunLimits = Pick<Options, 'maxFailures' | 'maxTotalBytes'>;
type Counts = Pick<Status, 'failed' | 'bytes'>;

export function timeLimit(maxHours: number): string {
  return `the run took longer than maxHours ${maxHours}`;
}

/** Whoever is left has to wait for longer than the run may last. */
export function waitLimit(maxHours: number): string {
  return `what is left has to wait for longer than maxHours ${maxHours} allows`;
}

/** `limit`, of a trial: whatever stands behind the first n lines is not tried. */
export function trialLimit(limit: number): string {
  return `only the first ${limit === 1 ? 'line was' : `${limit} lines were`} to be tried (limit ${limit})`;
}

/** Which limit the run has passed, in words. */
export function passedLimit({ failed, bytes }: Counts, { maxFailures, maxTotalBytes }: RunLimits): string | undefined {
  if (maxFailures !== undefined && failed > maxFailures) {
    return `${failed} lines failed, more than maxFailures ${maxFailures}`;
  }
  return maxTotalBytes !== undefined && bytes >= maxTotalBytes ? bytesLimit(bytes, maxTotalBytes) : undefined;
}

/** What `decideNext` is to know of them. */
export function limitsAt(status: Counts, options: RunLimits) {
  const { maxTotalBytes: most } = options;
  const bytes = most === undefined ? undefined : { stored: status.bytes, most };
  return { limit: passedLimit(status, options), bytes };
}

/** For whoever is left with nothing but items that do not fit. */
export function bytesLimit(bytes: number, maxTotalBytes: number): string {
  return `the run has stored ${bytes} bytes, and no line that is left fits into maxTotalBytes ${maxTotalBytes}`;
}

/**
 * Those that fit into the bytes left, in the order given, those with an open upload before: the known sizes never exceed
 * them. One of unknown size is let in as long as there is anything left.
 */
export function withinBytes(items: readonly Left[], bytesLeft: number): readonly Left[] {
  if (bytesLeft === Number.POSITIVE_INFINITY) return items;
  const fits = new Set<Left>();
  let room = bytesLeft;
  for (const item of [...items].sort((a, b) => Number(b.open !== undefined) - Number(a.open !== undefined))) {
    const { bytes = 0 } = item;
    if (room <= 0 || bytes > room) continue;
    room -= bytes;
    fits.add(item);
  }
  return items.filter((item) => fits.has(item));
}

/** What a shard of the next round may do. Bytes are shared out; in-process all shards count together. */
export function shardLimits(
  { failed, bytes }: Counts,
  { maxFailures, maxTotalBytes }: RunLimits,
  shards: number,
): ShardHeader['limits'] {
  if (maxFailures === undefined && maxTotalBytes === undefined) return undefined;
  return {
    ...(maxFailures !== undefined && { failures: Math.max(0, maxFailures - failed) }),
    ...(maxTotalBytes !== undefined && { bytes: Math.max(1, Math.ceil((maxTotalBytes - bytes) / shards)) }),
  };
}
