import { type DeployedLimits, deployedLimits } from '../lib/contract/deployed-limits.ts';
import type { GivenOptions } from '../lib/contract/merge-options.ts';
import { type SecretBinding, secretBindings } from '../lib/contract/secret.ts';

/**
 * What the stack tells its functions, read once per invocation. Nothing secret stands in an environment, and no variable
 * widens what the stack's roles allow.
 */
export interface Settings {
  /** The stack's bucket: run state in `runs/`, data in `data/` by default. */
  readonly stateBucket: string;
  /** s3://bucket/prefix, each an allowed `to` or what stands above it. */
  readonly destinations: readonly string[];
  /** s3://bucket/prefix of lists that may be read. */
  readonly manifestSources: readonly string[];
  /** CIDRs that are no public addresses and may be asked all the same. */
  readonly allowedNetworks: readonly string[];
  /** Ceiling of `maxConcurrency`. */
  readonly maxConcurrency: number;
  /** Options of a batch that does not say; Plan checks them together with what it says. */
  readonly defaults: GivenOptions | undefined;
  readonly limits: DeployedLimits | undefined;
  /** `roundMinutes` of a batch that does not say. */
  readonly roundMinutes: number | undefined;
  /** Name of Transfer's role, which begins all uploads of data. */
  readonly uploader: string | undefined;
  /** Secrets that requests may refer to, and the origins they may go to. */
  readonly secrets: readonly SecretBinding[];
  /** File beside Transfer's own that holds the user's module. The others only know that there is one. */
  readonly module: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_MAX_CONCURRENCY = 50;

export function readSettings(environment: Environment): Settings {
  const stateBucket = environment.SKYHAUL_STATE_BUCKET;
  if (!stateBucket) throw new Error('the environment variable SKYHAUL_STATE_BUCKET is missing');
  return {
    stateBucket,
    destinations: list(environment.SKYHAUL_DESTINATIONS, [`s3://${stateBucket}/data`]),
    manifestSources: list(environment.SKYHAUL_MANIFEST_SOURCES, [`s3://${stateBucket}`]),
    allowedNetworks: list(environment.SKYHAUL_ALLOWED_NETWORKS, []),
    maxConcurrency: positiveInteger(environment, 'SKYHAUL_MAX_CONCURRENCY') ?? DEFAULT_MAX_CONCURRENCY,
    defaults: json(environment.SKYHAUL_DEFAULTS) as GivenOptions | undefined,
    limits: deployedLimits.optional().parse(json(environment.SKYHAUL_LIMITS)),
    roundMinutes: positiveInteger(environment, 'SKYHAUL_ROUND_MINUTES'),
    uploader: environment.SKYHAUL_UPLOADER || undefined,
    secrets: secretBindings.parse(json(environment.SKYHAUL_SECRETS) ?? []),
    module: environment.SKYHAUL_MODULE || undefined,
  };
}

function json(text: string | undefined): unknown {
  return text ? JSON.parse(text) : undefined;
}

function positiveInteger(environment: Environment, name: string): number | undefined {
  const text = environment[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`the environment variable ${name} is no positive integer: ${value}`);
}

/** Items separated by commas or white space: neither stands in a bucket name, a prefix of ours or a CIDR. */
function list(text: string | undefined, byDefault: readonly string[]): readonly string[] {
  const items = (text ?? '').split(/[\s,]+/).filter((item) => item !== '');
  return items.length > 0 ? items : byDefault;
}
