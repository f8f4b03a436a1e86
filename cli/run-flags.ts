import { toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { parseNetworks } from '../lib/source/address-class.ts';
import { FlagReader } from './flag-reader.ts';
import { type ListFlags, type RawListFlags, readListFlags } from './list-flags.ts';

/**
 * From the words of `skyhaul run` to what a run needs. Every problem is found before anything starts, and all of them are
 * named at once.
 */
export interface RawRunFlags extends RawListFlags {
  readonly to?: string;
  readonly allowNetwork?: readonly string[];
}

export interface RunFlags extends ListFlags {
  /** As the user wrote it. */
  readonly to: string;
  readonly allowNetworks: readonly string[];
}

/** Throws BatchInvalid, with every problem. */
export function readRunFlags(words: readonly string[], raw: RawRunFlags): RunFlags {
  const reader = new FlagReader();
  if (!raw.to) reader.problems.push('--to: say where to: a directory or s3://bucket/prefix');
  const scheme = /^([a-z][a-z0-9+.-]+):\//i.exec(raw.to ?? '')?.[1];
  if (scheme !== undefined && scheme !== 's3') {
    reader.problems.push(`--to: ${scheme}: is not supported; s3:// or a directory`);
  }
  reader.problems.push(...networkProblems(raw.allowNetwork ?? []).map((text) => `--allow-network: ${text}`));
  const list = readListFlags(words, raw, reader);
  reader.requireNone();
  return { ...list, to: raw.to ?? '', allowNetworks: raw.allowNetwork ?? [] };
}

function networkProblems(cidrs: readonly string[]): readonly string[] {
  try {
    parseNetworks(cidrs);
    return [];
  } catch (error) {
    return toSkyhaulError(error).details.problems ?? [];
  }
}
