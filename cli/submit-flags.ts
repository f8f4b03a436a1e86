import { z } from 'zod';
import { FlagReader } from './flag-reader.ts';
import { type ListFlags, type RawListFlags, readListFlags } from './list-flags.ts';
import { type RawStackFlags, readStackFlags, type StackFlags } from './stack-flags.ts';

/** From the words of `skyhaul submit` to what it needs. Every problem is found before anything is asked of AWS. */
export interface RawSubmitFlags extends RawListFlags, RawStackFlags {
  readonly to?: string;
  readonly wait?: boolean;
  readonly waitTimeout?: string;
}

export interface SubmitFlags extends ListFlags {
  readonly deployment: StackFlags;
  /** s3://bucket/prefix; undefined: the stack's own folder, or where the continued run goes. */
  readonly to: string | undefined;
  readonly wait: boolean;
  readonly waitMs: number | undefined;
}

/** A timer of Node holds 24 days. */
export const waitLimit = z
  .int()
  .min(1)
  .max(24 * 24 * 3_600_000, 'at most 24 days');

/** Throws BatchInvalid, with every problem. */
export function readSubmitFlags(words: readonly string[], raw: RawSubmitFlags): SubmitFlags {
  const reader = new FlagReader();
  if (raw.to !== undefined && !raw.to.startsWith('s3://')) {
    reader.problems.push('--to: must be s3://bucket/prefix; directories are for `skyhaul run`');
  }
  const list = readListFlags(words, raw, reader);
  // The endpoint is checked with the list.
  const deployment = { ...readStackFlags({ ...raw, endpoint: undefined }, reader, true), endpoint: raw.endpoint };
  const waitMs = reader.duration('--wait-timeout', raw.waitTimeout, waitLimit);
  if (raw.waitTimeout !== undefined && !raw.wait) reader.problems.push('--wait-timeout: it belongs to --wait');
  reader.requireNone();
  return { ...list, deployment, to: raw.to, wait: raw.wait ?? false, waitMs };
}
