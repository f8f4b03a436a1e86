import { Duration, RemovalPolicy, Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib';
import { Architecture, Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { DeployedLimits } from '../lib/contract/deployed-limits.ts';
import { MAX_SHARDS } from '../lib/contract/limits.ts';
import { parseNetworks } from '../lib/source/address-class.ts';
import { bundleModule, type ModuleBundle } from './bundle-module.ts';
import { requireDefaults } from './deployed-defaults.ts';
import { limitsOf } from './deployed-limits.ts';
import { type Folder, folderOf } from './folder.ts';
import type { BatchDownloaderProps, PerFunction } from './props.ts';
import type { RetryLimits } from './state-machine.ts';

/**
 * Props with their defaults, checked. What is wrong is said at synth time, with the prop and its value; what is known only
 * at deploy time (tokens) passes.
 */
export interface Settled {
  readonly maxConcurrency: number;
  readonly limits: DeployedLimits;
  readonly reservedConcurrency: number | undefined;
  readonly retries: RetryLimits;
  readonly memory: Required<PerFunction<Size>>;
  readonly timeouts: Required<PerFunction<Duration>>;
  readonly roundTime: Duration | undefined;
  readonly allowedNetworks: readonly string[];
  readonly destinations: readonly Folder[];
  readonly manifestSources: readonly Folder[];
  readonly accessLogs: Folder | undefined;
  readonly removalPolicy: RemovalPolicy;
  readonly stateExpiration: Duration;
  readonly logRetention: RetentionDays;
  readonly module: ModuleBundle | undefined;
  readonly runtime: Runtime;
  readonly architecture: Architecture;
}

/** Plan holds the index of a long list, Transfer its part buffers. */
const MEMORY: Settled['memory'] = {
  plan: Size.gibibytes(2),
  transfer: Size.gibibytes(1),
  report: Size.gibibytes(1),
  janitor: Size.gibibytes(1),
};
/** Lambda's longest. */
const MAX_TIMEOUT = Duration.minutes(15);
/** Transfer keeps the last 30 s for itself. */
const MIN_TIMEOUT_SECONDS = 40;
/** Node and the SDK take 160 MiB, two parts 16 MiB more. */
const MIN_MEMORY_MIB = 256;
const MAX_MEMORY_MIB = 10_240;
const MAX_RETRIES = 1_000;
const MAX_ROUND_MINUTES = 1_440;
/** A run lasts up to 72 hours unless its batch says otherwise, and must not outlive its state. */
const MIN_STATE_DAYS = 7;

const DEFAULT_MAX_CONCURRENCY = 50;

/** What only makes sense for a bucket that is made here. */
const OF_NEW_BUCKET = ['stateExpiration', 'removalPolicy', 'accessLogs'] as const;

export function checkProps(props: BatchDownloaderProps): Settled {
  const { destinations = [], manifestSources = [], allowedNetworks = [], accessLogs } = props;
  for (const prop of OF_NEW_BUCKET) {
    if (!props.bucket || props[prop] === undefined) continue;
    throw new Error(`${prop} cannot be set together with bucket: your own bucket keeps its settings`);
  }
  for (const network of allowedNetworks) checkNetwork(network);
  checkNumber('maxConcurrency', props.maxConcurrency, 1, MAX_SHARDS);
  checkNumber('reservedConcurrency', props.reservedConcurrency, 1, MAX_SHARDS);
  for (const [kind, times] of Object.entries(props.retries ?? {})) {
    checkNumber(`retries.${kind}`, times, 0, MAX_RETRIES);
  }
  for (const [name, size] of Object.entries(props.memory ?? {})) checkMemory(`memory.${name}`, size);
  for (const [name, timeout] of Object.entries(props.timeouts ?? {})) {
    checkDuration(`timeouts.${name}`, timeout, 'seconds', MIN_TIMEOUT_SECONDS, MAX_TIMEOUT.toSeconds());
  }
  checkDuration('roundTime', props.roundTime, 'minutes', 1, MAX_ROUND_MINUTES);
  checkDuration('stateExpiration', props.stateExpiration, 'days', MIN_STATE_DAYS, 36_500);
  checkRuntime(props.runtime);
  const limits = limitsOf(props.limits ?? {});
  checkDefaults(props, limits);
  return {
    maxConcurrency: props.maxConcurrency ?? DEFAULT_MAX_CONCURRENCY,
    limits,
    reservedConcurrency: props.reservedConcurrency,
    retries: props.retries ?? {},
    memory: { ...MEMORY, ...props.memory },
    timeouts: {
      plan: MAX_TIMEOUT,
      transfer: MAX_TIMEOUT,
      report: MAX_TIMEOUT,
      janitor: MAX_TIMEOUT,
      ...props.timeouts,
    },
    roundTime: props.roundTime,
    allowedNetworks,
    destinations: destinations.map((folder, index) => folderOf(`destinations[${index}]`, folder)),
    manifestSources: manifestSources.map((folder, index) => folderOf(`manifestSources[${index}]`, folder)),
    accessLogs: accessLogs && folderOf('accessLogs', accessLogs),
    removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
    stateExpiration: props.stateExpiration ?? Duration.days(30),
    logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
    module: props.module === undefined ? undefined : bundleModule(props.module),
    runtime: props.runtime ?? Runtime.NODEJS_24_X,
    architecture: props.architecture ?? Architecture.ARM_64,
  };
}

function checkDefaults({ defaults, maxConcurrency, secrets = [] }: BatchDownloaderProps, limits: DeployedLimits): void {
  if (!defaults) return;
  requireDefaults(defaults, { limits, secretNames: secrets.map(({ name }) => name) });
  checkNumber('defaults: maxConcurrency', defaults.maxConcurrency, 1, maxConcurrency ?? DEFAULT_MAX_CONCURRENCY);
}

function checkNumber(prop: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  checkWhole(`${prop} must be a whole number`, value, min, max);
}

function checkWhole(rule: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new Error(`${rule} from ${min} to ${max}, got ${value}`);
}

function checkMemory(prop: string, size: Size | undefined): void {
  if (size === undefined || size.isUnresolved()) return;
  const value = size.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
  checkWhole(`${prop} must be a whole number of MiB`, value, MIN_MEMORY_MIB, MAX_MEMORY_MIB);
}

const UNIT_MS = { seconds: 1_000, minutes: 60_000, days: 86_400_000 };

function checkDuration(
  prop: string,
  duration: Duration | undefined,
  unit: keyof typeof UNIT_MS,
  min: number,
  max: number,
): void {
  if (duration === undefined || duration.isUnresolved()) return;
  checkWhole(`${prop} must be a whole number of ${unit}`, duration.toMilliseconds() / UNIT_MS[unit], min, max);
}

function checkNetwork(network: string): void {
  if (Token.isUnresolved(network)) return;
  try {
    parseNetworks([network]);
  } catch (error) {
    throw new Error(
      error instanceof Error ? error.message.replace(/^allowed networks/, 'allowedNetworks') : `${error}`,
    );
  }
}

/** undici needs Node 22.19. */
function checkRuntime(runtime: Runtime | undefined): void {
  if (runtime === undefined || Token.isUnresolved(runtime.name)) return;
  const major = runtime.family === RuntimeFamily.NODEJS ? /^nodejs(\d+)\.x$/.exec(runtime.name)?.[1] : undefined;
  if (Number(major) >= 22) return;
  throw new Error(`runtime must be nodejs22.x or later, got ${runtime.name}`);
}
