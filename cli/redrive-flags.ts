import { nearest } from '../lib/contract/issue-problems.ts';
import type { Options } from '../lib/contract/options.ts';
import { type ErrorName, errorNames, isErrorName } from '../lib/errors/catalogue.ts';
import { FlagReader } from './flag-reader.ts';
import { type RawRunFlags, type RunFlags, readRunFlags } from './run-flags.ts';
import { type RawSubmitFlags, readSubmitFlags, type SubmitFlags } from './submit-flags.ts';

/**
 * From the words of `skyhaul redrive` to what it needs. The list is not known yet, so that the list in `call` is nothing
 * but a place for it; `options` are what was said anew.
 */
export interface RawRedriveFlags extends RawRunFlags, RawSubmitFlags {
  readonly only?: readonly string[];
}

export interface RedriveFlags {
  readonly run: string;
  readonly as: string | undefined;
  readonly only: ReadonlySet<ErrorName>;
  readonly options: Partial<Options>;
  readonly call:
    | { readonly where: 'here'; readonly flags: RunFlags }
    | { readonly where: 'deployed'; readonly flags: SubmitFlags };
}

const PLACE = ['failed.jsonl'];

/** Throws BatchInvalid, with every problem. */
export function readRedriveFlags(run: string, raw: RawRedriveFlags): RedriveFlags {
  const reader = new FlagReader();
  const only = readOnly(raw.only ?? [], reader.problems);
  reader.problems.push(...(raw.to === undefined ? ofHereOnly(raw) : ofDeployedOnly(raw)));
  reader.requireNone();
  const call =
    raw.to === undefined
      ? ({ where: 'deployed', flags: readSubmitFlags(PLACE, raw) } as const)
      : ({ where: 'here', flags: readRunFlags(PLACE, raw) } as const);
  const { transform, ...options } = call.flags.options;
  // Nobody said so: the module alone would be the transform of a new list.
  return { run, as: raw.run, only, call, options: raw.transform ? { ...options, transform } : options };
}

function readOnly(given: readonly string[], problems: string[]): ReadonlySet<ErrorName> {
  const names = given.flatMap((text) => text.split(',')).map((name) => name.trim());
  for (const name of names) {
    if (isErrorName(name)) continue;
    const near = nearest(name, errorNames);
    problems.push(`--only: ${JSON.stringify(name)} is no error${near === undefined ? '' : `; did you mean ${near}?`}`);
  }
  return new Set(names.filter(isErrorName));
}

function ofHereOnly({ allowNetwork, secret, module }: RawRedriveFlags): string[] {
  const given = { '--allow-network': allowNetwork, '--secret': secret, '--module': module };
  return named(given).map((flag) => `${flag}: it belongs to --to; a deployment has its own`);
}

function ofDeployedOnly({ stack, stateMachine, bucket, wait, waitTimeout }: RawRedriveFlags): string[] {
  const given = {
    '--stack': stack,
    '--state-machine': stateMachine,
    '--bucket': bucket,
    '--wait': wait,
    '--wait-timeout': waitTimeout,
  };
  return named(given).map((flag) => `${flag}: it is about a deployment; give it, or --to, not both`);
}

function named(given: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(given).filter((flag) => given[flag] !== undefined);
}
