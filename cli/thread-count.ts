import type { Options } from '../lib/contract/options.ts';

interface RoundFacts {
  /** What the user asked for; none: a core each, but for one, in rounds that are worth their start. */
  readonly asked: number | undefined;
  readonly cores: number;
  readonly items: number;
  readonly shards: number;
  readonly options: Pick<Options, 'robots' | 'maxFailures' | 'maxTotalBytes'>;
  readonly hasModule: boolean;
}

/** Below it the CPU time that threads take to start, more than a second each, is not won back. */
export const LEAST_ITEMS = 5_000;

/**
 * On how many threads a round is worked on; 1: on the main one. One core is left to it, the kernel and the disk. What a run
 * counts as a whole (limits, the delay that a robots.txt asks for) is counted in one place, and the user's own module is
 * loaded once, unless threads are asked for.
 */
export function threadCount({ asked, cores, items, shards, options, hasModule }: RoundFacts): number {
  const { robots, maxFailures, maxTotalBytes } = options;
  if (robots === true || maxFailures !== undefined || maxTotalBytes !== undefined) return 1;
  if (asked === undefined && (hasModule || items < LEAST_ITEMS)) return 1;
  return Math.max(1, Math.min(asked ?? cores - 1, shards));
}
