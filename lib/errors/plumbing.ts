import { catalogue, type ErrorName, errorNames } from './catalogue.ts';

/**
 * Errors that Step Functions sees and no code of ours has thrown: Lambda's service, its throttle, a worker that died.
 * Only these, and what the catalogue calls retryable, are retried by the state machine; items are retried by Plan and
 * Transfer. The definition and its tests are generated from these tables.
 *
 * Every retrier counts for itself, so the retries of one visit of a state add up: see `sumOfRetries` in the tests.
 */
export interface Retrier {
  readonly kind: 'throttled' | 'serviceFailed' | 'workerDied' | 'transient';
  readonly errors: readonly string[];
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly maxAttempts: number;
  readonly maxDelaySeconds: number;
  readonly jitter: 'FULL' | 'NONE';
}

/** A busy account is waited for, up to 4 hours, and at random, so that a thousand shards do not come back at once. */
const throttle: Retrier = {
  kind: 'throttled',
  errors: ['Lambda.TooManyRequestsException'],
  intervalSeconds: 5,
  backoffRate: 2,
  maxAttempts: 50,
  maxDelaySeconds: 300,
  jitter: 'FULL',
};

/** Step Functions developer guide, "Handle transient Lambda service exceptions". */
const service: Retrier = {
  kind: 'serviceFailed',
  errors: [
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.ClientExecutionTimeoutException',
  ],
  intervalSeconds: 2,
  backoffRate: 2,
  maxAttempts: 6,
  maxDelaySeconds: 64,
  jitter: 'NONE',
};

/**
 * Names under which a worker's death is reported: out of memory, killed, timed out. `States.TaskFailed` matches no
 * `States.Timeout`, so each is named.
 */
export const workerLost: readonly string[] = [
  'States.Timeout',
  'Sandbox.Timedout',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
];

/** Plan and Report go on from the run's state; a third death in a row is no accident. */
const lost: Retrier = {
  kind: 'workerDied',
  errors: workerLost,
  intervalSeconds: 10,
  backoffRate: 2,
  maxAttempts: 2,
  maxDelaySeconds: 20,
  jitter: 'NONE',
};

/** What may go away by itself. `Interrupted` is the wish of a user, not a failure. */
export const retryableErrors: readonly ErrorName[] = errorNames.filter(
  (name) => catalogue[name].retryable && catalogue[name].scope === 'item',
);

const transient: Retrier = {
  kind: 'transient',
  errors: retryableErrors,
  intervalSeconds: 5,
  backoffRate: 2,
  maxAttempts: 6,
  maxDelaySeconds: 60,
  jitter: 'FULL',
};

/** Nothing of Transfer's own is retried here: Plan knows the item's budget, the state machine does not. */
export const transferRetriers: readonly Retrier[] = [throttle, service];
/** Plan and Report write run state only; whatever they throw beside this fails the execution under its own name. */
export const runRetriers: readonly Retrier[] = [throttle, service, lost, transient];
