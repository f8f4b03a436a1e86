import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { MAX_SHARDS, MiB } from '../lib/contract/limits.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { RunContext, RunEvent } from '../lib/run-context.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { openManifestObject } from '../lib/store/open-manifest-object.ts';
import type { UserModule } from '../lib/transform/user-module.ts';
import { isWithin } from './is-within.ts';
import type { Settings } from './settings.ts';

/**
 * The engine's surroundings in a Lambda: limits from the stack's settings, time and memory from the invocation. What is
 * not named in the settings is refused before anything starts; the roles of the functions refuse it once more.
 */
export interface Invocation {
  readonly settings: Settings;
  readonly lambda: Pick<Context, 'getRemainingTimeInMillis' | 'memoryLimitInMB'>;
  /** Who claims a run: the ARN of the execution, or an invocation of the janitor. */
  readonly owner: string;
  readonly isAlive: RunContext['isAlive'];
  readonly openBucket: (uri: string) => ObjectStore;
  readonly emit: (event: RunEvent) => void;
  /** For Transfer alone. */
  readonly readSecret?: ((id: string) => Promise<string>) | undefined;
  /** For Transfer alone. */
  readonly loadModule?: ((file: string) => Promise<UserModule>) | undefined;
}

const DEFAULT_MAX_CONCURRENCY = 50;

export function createRunContext(invocation: Invocation): RunContext {
  const { settings, lambda, openBucket, loadModule, readSecret } = invocation;
  const { module, secrets } = settings;
  return {
    state: openBucket(`s3://${settings.stateBucket}`),
    openDestination(to) {
      requireDestination(to, settings);
      return openBucket(to);
    },
    async openManifest(uri) {
      requireSource(uri, settings);
      return openManifestObject(uri, openBucket);
    },
    now: Date.now,
    random: Math.random,
    // Nobody stops a Lambda from inside; what ends it is its deadline.
    signal: new AbortController().signal,
    deadline: Date.now() + lambda.getRemainingTimeInMillis(),
    // Not the request id: an invocation that the service repeats keeps it.
    attempt: randomUUID(),
    memoryBytes: Number(lambda.memoryLimitInMB) * MiB,
    inProcess: false,
    allowNetworks: settings.allowedNetworks,
    maxShards: MAX_SHARDS,
    roundMinutes: settings.roundMinutes,
    defaults: settings.defaults,
    limits: settings.limits,
    concurrency: {
      default: Math.min(DEFAULT_MAX_CONCURRENCY, settings.maxConcurrency),
      ceiling: settings.maxConcurrency,
    },
    owner: { execution: invocation.owner },
    uploader: settings.uploader,
    isAlive: invocation.isAlive,
    emit: invocation.emit,
    ...(secrets.length > 0 && readSecret && { vault: { bindings: secrets, read: readSecret } }),
    hasUserModule: module !== undefined,
    ...(module !== undefined && loadModule && { userModule: () => loadModule(module) }),
  };
}

/** What is no S3 address is not shown: it may be a URL with a secret in it. */
function requireDestination(to: string, { destinations }: Settings): void {
  if (!to.startsWith('s3://')) {
    throw new SkyhaulError(
      'DestinationNotAllowed',
      'the destination is no s3:// address; directories are for `skyhaul run`',
    );
  }
  if (isWithin(to, destinations)) return;
  throw new SkyhaulError('DestinationNotAllowed', `${to} is not within ${destinations.join(' or ')}`);
}

function requireSource(uri: string, { manifestSources }: Settings): void {
  if (isWithin(uri, manifestSources)) return;
  throw new SkyhaulError('ManifestUnreadable', `${uri} is not within ${manifestSources.join(' or ')}`);
}
