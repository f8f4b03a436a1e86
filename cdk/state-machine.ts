import { Annotations, Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  DistributedMap,
  type IChainable,
  Map as InlineMap,
  JitterType,
  JsonPath,
  Pass,
  ProcessorMode,
  ProcessorType,
  Result,
  S3JsonItemReader,
  StateMachineType,
  TaskInput,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import { MAX_SHARDS } from '../lib/contract/limits.ts';
import { type Retrier, runRetriers, transferRetriers, workerLost } from '../lib/errors/plumbing.ts';

/**
 * The loop: Plan, a Map over shards, Wait, Report. The only orchestrator there is: AWS and LocalStack run it, `skyhaul
 * run` interprets the same definition from `state-machine.json`. Only names and numbers travel through it, never an
 * item, and it depends on nothing that LocalStack lacks (ItemBatcher, ResultWriter, tolerance, redrive).
 */
export interface Worker {
  /** A version rather than `$LATEST`, so that a deploy changes nothing for an execution under way. */
  readonly fn: IFunction;
  /** Of the function. */
  readonly timeout: Duration;
}

export interface Workers {
  readonly plan: Worker;
  readonly transfer: Worker;
  readonly report: Worker;
}

/** Most tries of each kind of retrier, where they are not to be those of `lib/errors/plumbing.ts`. */
export type RetryLimits = Readonly<Partial<Record<Retrier['kind'], number>>>;

/** Shorter than the function's own timeout and the Lambda would live on beside its successor. */
const TASK_GRACE = Duration.seconds(30);

/** The states, chained; the caller puts them into a StateMachine. State names are unique across all Maps. */
export function buildStateMachine(scope: Construct, workers: Workers, retries: RetryLimits = {}): IChainable {
  const transferRetries = limit(transferRetriers, retries);
  const runRetries = limit(runRetriers, retries);
  const plan = task(scope, 'Plan', workers.plan, runRetries, {
    execution: {
      id: JsonPath.stringAt('$$.Execution.Id'),
      name: JsonPath.stringAt('$$.Execution.Name'),
      startedAt: JsonPath.stringAt('$$.Execution.StartTime'),
    },
    input: JsonPath.entirePayload,
  });
  const wait = new Wait(scope, 'Wait', { time: WaitTime.secondsPath('$.waitSeconds') });
  const inline = fanOutInline(scope, workers.transfer, transferRetries);
  const distributed = fanOutDistributed(scope, workers.transfer, transferRetries);
  const fanOut = new Choice(scope, 'FanOut')
    .when(Condition.stringEquals('$.mode', 'inline'), inline)
    .when(Condition.stringEquals('$.mode', 'distributed'), distributed);

  wait.next(plan);
  // The children catch everything themselves. What is left (no child could start, the list of shards is unreadable)
  // Plan learns from the ledger, where rows are missing.
  inline.addCatch(plan, { resultPath: JsonPath.DISCARD }).next(plan);
  distributed.addCatch(plan, { resultPath: JsonPath.DISCARD }).next(plan);

  return plan.next(
    new Choice(scope, 'PlanNext')
      .when(Condition.stringEquals('$.next', 'continue'), plan)
      .when(Condition.stringEquals('$.next', 'wait'), wait)
      .when(Condition.stringEquals('$.next', 'fan-out'), fanOut)
      .when(Condition.stringEquals('$.next', 'report'), report(scope, workers.report, runRetries)),
  );
}

function limit(retriers: readonly Retrier[], retries: RetryLimits): readonly Retrier[] {
  return retriers.map((retrier) => ({ ...retrier, maxAttempts: retries[retrier.kind] ?? retrier.maxAttempts }));
}

const ITEM_SELECTOR = {
  run: JsonPath.stringAt('$.run'),
  round: JsonPath.numberAt('$.round'),
  shard: JsonPath.objectAt('$$.Map.Item.Value'),
};

function fanOutInline(scope: Construct, transfer: Worker, retriers: readonly Retrier[]): InlineMap {
  const map = new InlineMap(scope, 'FanOutInline', {
    itemsPath: '$.shards',
    maxConcurrencyPath: '$.maxConcurrency',
    itemSelector: ITEM_SELECTOR,
    resultPath: JsonPath.DISCARD,
  });
  return map.itemProcessor(itemProcessor(scope, transfer, retriers, ''), { mode: ProcessorMode.INLINE });
}

/** Standard children, because a shard may take longer than the five minutes of an Express one. */
function fanOutDistributed(scope: Construct, transfer: Worker, retriers: readonly Retrier[]): DistributedMap {
  const map = new DistributedMap(scope, 'FanOutDistributed', {
    itemReader: new S3JsonItemReader({
      bucketNamePath: JsonPath.stringAt('$.shardsAt.bucket'),
      key: JsonPath.stringAt('$.shardsAt.key'),
    }),
    maxConcurrencyPath: '$.maxConcurrency',
    itemSelector: ITEM_SELECTOR,
    // Failed children are no failure of the run: without this number the first one would stop all the others.
    toleratedFailureCount: MAX_SHARDS,
    resultPath: JsonPath.DISCARD,
    mapExecutionType: StateMachineType.STANDARD,
  });
  Annotations.of(map).acknowledgeWarning(
    '@aws-cdk/aws-stepfunctions:propertyIgnored',
    'CDK asks for it and ignores it',
  );
  return map.itemProcessor(itemProcessor(scope, transfer, retriers, 'Distributed'), {
    mode: ProcessorMode.DISTRIBUTED,
    executionType: ProcessorType.STANDARD,
  });
}

/**
 * One shard, until it is done or the round is over. It ends in `{}` whatever happens, since Step Functions gathers the
 * children's outputs into one 256 KiB payload even when they are discarded (aws-cdk#24799): the ledger is the result.
 */
function itemProcessor(scope: Construct, transfer: Worker, retriers: readonly Retrier[], suffix: string): IChainable {
  const done = new Pass(scope, `TransferDone${suffix}`, { result: Result.fromObject({}) });
  const work = task(scope, `Transfer${suffix}`, transfer, retriers, {
    run: JsonPath.stringAt('$.run'),
    round: JsonPath.numberAt('$.round'),
    shard: JsonPath.objectAt('$.shard'),
  });
  work.addCatch(done, { errors: [...workerLost] }).addCatch(done);
  return work.next(
    new Choice(scope, `TransferNext${suffix}`).when(Condition.stringEquals('$.next', 'continue'), work).otherwise(done),
  );
}

function report(scope: Construct, worker: Worker, retriers: readonly Retrier[]): IChainable {
  const work = task(scope, 'Report', worker, retriers, { run: JsonPath.stringAt('$.run') });
  const summary = new Pass(scope, 'Summary', { outputPath: '$.summary' });
  return work.next(
    new Choice(scope, 'ReportNext').when(Condition.stringEquals('$.next', 'continue'), work).otherwise(summary),
  );
}

function task(
  scope: Construct,
  name: string,
  worker: Worker,
  retriers: readonly Retrier[],
  event: Record<string, unknown>,
): LambdaInvoke {
  const invoke = new LambdaInvoke(scope, name, {
    lambdaFunction: worker.fn,
    payload: TaskInput.fromObject(event),
    payloadResponseOnly: true,
    retryOnServiceExceptions: false,
    taskTimeout: Timeout.duration(worker.timeout.plus(TASK_GRACE)),
  });
  for (const retrier of retriers) {
    invoke.addRetry({
      errors: [...retrier.errors],
      interval: Duration.seconds(retrier.intervalSeconds),
      backoffRate: retrier.backoffRate,
      maxAttempts: retrier.maxAttempts,
      maxDelay: Duration.seconds(retrier.maxDelaySeconds),
      jitterStrategy: JitterType[retrier.jitter],
    });
  }
  return invoke;
}
