import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { GivenOptions } from '../lib/contract/merge-options.ts';
import type { BoundSecret } from './bound-secrets.ts';
import type { HandlerName } from './bundle.ts';
import type { RunLimits } from './deployed-limits.ts';
import type { RetryLimits } from './state-machine.ts';

/** A bucket, or a folder of one. */
export interface BucketFolder {
  /** Give an imported bucket its `encryptionKey`, `account` and `region` where they are not the stack's. */
  readonly bucket: IBucket;
  /**
   * Folder such as `incoming/2026`.
   * @default - the whole bucket
   */
  readonly prefix?: string;
}

/** A value for each function; what is not given has the default. */
export type PerFunction<T> = Readonly<Partial<Record<HandlerName, T>>>;

/** What can be set at deploy time. Every prop has a default; `new BatchDownloader(this, 'Downloader')` is a whole one. */
export interface BatchDownloaderProps {
  /**
   * Transfers at once in one run, at most. A batch may ask for less.
   * @default 50
   */
  readonly maxConcurrency?: number;
  /**
   * Options of every batch that does not say otherwise (`docs/schemas/options.schema.json`), `request` and `transform`
   * among them. They stand below the options of a batch and the fields of an item. Credentials in them are references to
   * `secrets`. A run keeps those that it began with.
   * @default - those of the options themselves
   */
  readonly defaults?: GivenOptions;
  /**
   * What no run exceeds, whatever its batch or its items ask for, beside `maxConcurrency`.
   * @default - none
   */
  readonly limits?: RunLimits;
  /**
   * Lambda concurrency set aside for Transfer. It is taken from the rest of the account; a new account has 10 in all, of
   * which Lambda lets none be reserved.
   * @default - none
   */
  readonly reservedConcurrency?: number;
  /**
   * How often the state machine tries again when Lambda throttles or fails, or a worker died. Items have their own
   * `attempts`, an option of each batch.
   * @default { throttled: 50, serviceFailed: 6, workerDied: 2, transient: 6 }
   */
  readonly retries?: RetryLimits;
  /**
   * Memory of each function, and with it CPU and network. Transfer cuts its part buffers from it: 16 MiB for each item
   * that it works on at once.
   * @default { plan: 2 GiB, transfer: 1 GiB, report: 1 GiB, janitor: 1 GiB }
   */
  readonly memory?: PerFunction<Size>;
  /**
   * Longest invocation of each function. Transfer stops 30 s before its own and goes on in a new one.
   * @default - 15 minutes each
   */
  readonly timeouts?: PerFunction<Duration>;
  /**
   * How long a round lasts before what is left is planned anew, for batches without `roundMinutes`.
   * @default - 5 minutes for the first round, 30 for the others
   */
  readonly roundTime?: Duration;
  /**
   * Networks (CIDRs) that may be downloaded from although their addresses are not public.
   * @default - none
   */
  readonly allowedNetworks?: readonly string[];
  /**
   * Where batches may write, beside `data/` of the stack's bucket. Generates the grants.
   * @default - nowhere else
   */
  readonly destinations?: readonly BucketFolder[];
  /**
   * Where lists may be read from, beside the stack's bucket. Generates the grants.
   * @default - nowhere else
   */
  readonly manifestSources?: readonly BucketFolder[];
  /**
   * Whether batches may give their objects `tags`. Tags may open or close access where policies ask for them.
   * @default false
   */
  readonly objectTags?: boolean;
  /**
   * Secrets of Secrets Manager or Parameter Store that requests may refer to, each with the origins it may be sent to.
   * Generates the grants.
   * @default - none
   */
  readonly secrets?: readonly BoundSecret[];
  /**
   * Your own bucket for run state (`runs/`) and data (`data/`). It keeps its settings: privacy, encryption, lifecycle rules
   * and access logs are then yours.
   * @default - a new one: private, TLS only, versioned, retained, with lifecycle rules
   */
  readonly bucket?: IBucket;
  /**
   * Key of the bucket: of the new one, or the key that your own `bucket` uses.
   * @default - keys that S3 manages
   */
  readonly encryptionKey?: IKey;
  /**
   * Where S3 logs the requests to the new bucket.
   * @default - nowhere
   */
  readonly accessLogs?: BucketFolder;
  /**
   * What happens to the new bucket when the stack is deleted.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * When the state of a run (`runs/`: lists, reports, sealed URLs and headers) is deleted from the new bucket. Data never is.
   * @default Duration.days(30)
   */
  readonly stateExpiration?: Duration;
  /**
   * How long logs of functions and state machine are kept.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;
  /**
   * Your own module, a TypeScript or JavaScript file, for the step `module` of transforms: bundled into Transfer's code. A
   * relative path is one of the working directory.
   * @default - none
   */
  readonly module?: string;
  /**
   * A Node.js of version 22 or later.
   * @default Runtime.NODEJS_24_X
   */
  readonly runtime?: Runtime;
  /**
   * Processor of the functions.
   * @default Architecture.ARM_64
   */
  readonly architecture?: Architecture;
}
