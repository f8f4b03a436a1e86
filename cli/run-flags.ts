import { z } from 'zod';
import type { SecretBinding } from '../lib/contract/secret.ts';
import { transformSpec, usesModule } from '../lib/contract/transform.ts';
import { toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { parseNetworks } from '../lib/source/address-class.ts';
import { FlagReader } from './flag-reader.ts';
import { type ListFlags, type RawListFlags, readListFlags } from './list-flags.ts';
import { readSecrets } from './read-secrets.ts';

/**
 * From the words of `skyhaul run` to what a run needs. Every problem is found before anything starts, and all of them are
 * named at once.
 */
export interface RawRunFlags extends RawListFlags {
  readonly to?: string;
  readonly allowNetwork?: readonly string[];
  readonly module?: string;
  readonly threads?: string;
  readonly secret?: readonly string[];
}

export interface RunFlags extends ListFlags {
  /** As the user wrote it. */
  readonly to: string;
  readonly allowNetworks: readonly string[];
  /** As the user wrote them, and what they say. */
  readonly secretWords: readonly string[];
  readonly secrets: readonly SecretBinding[];
  /** Path of the user's own module. */
  readonly module?: string | undefined;
  /** For the transfers of this process; none: it decides itself. */
  readonly threads?: number | undefined;
}

const threadsSchema = z.int().min(1, 'must be at least 1').max(64, 'must be at most 64');

/** Throws BatchInvalid, with every problem. */
export function readRunFlags(words: readonly string[], raw: RawRunFlags): RunFlags {
  const reader = new FlagReader();
  if (!raw.to) reader.problems.push('--to: say where to: a directory or s3://bucket/prefix');
  const scheme = /^([a-z][a-z0-9+.-]+):\//i.exec(raw.to ?? '')?.[1];
  // With one slash it would be a directory called `s3:`.
  if (scheme === 's3' && !raw.to?.startsWith('s3://')) {
    reader.problems.push('--to: an address in S3 begins with s3://');
  }
  if (scheme !== undefined && scheme !== 's3') {
    reader.problems.push(`--to: ${scheme}: is not supported; s3:// or a directory`);
  }
  reader.problems.push(...networkProblems(raw.allowNetwork ?? []).map((text) => `--allow-network: ${text}`));
  const secretWords = raw.secret ?? [];
  const secrets = readSecrets(secretWords);
  reader.problems.push(...secrets.problems);
  const list = readListFlags(words, raw, reader);
  const { transform } = list.options;
  const threads = reader.number('--threads', raw.threads, threadsSchema);
  if (raw.module === undefined && usesModule(transform)) {
    reader.problems.push('--transform: `module` needs your own code: --module <file>');
  }
  reader.requireNone();
  // A continued run keeps the transforms it was started with, but not the code.
  const isAlone = raw.module !== undefined && words.length > 0 && !transform;
  const options = isAlone ? { ...list.options, transform: transformSpec.parse(['module']) } : list.options;
  return {
    ...list,
    options,
    to: raw.to ?? '',
    allowNetworks: raw.allowNetwork ?? [],
    secretWords,
    secrets: secrets.bindings,
    module: raw.module,
    threads,
  };
}

function networkProblems(cidrs: readonly string[]): readonly string[] {
  try {
    parseNetworks(cidrs);
    return [];
  } catch (error) {
    return toSkyhaulError(error).details.problems ?? [];
  }
}
