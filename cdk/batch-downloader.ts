import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { checkSecrets, secretPermissions, secretSettings } from './bound-secrets.ts';
import type { HandlerName } from './bundle.ts';
import { checkProps, type Settled } from './check-props.ts';
import { DATA_PREFIX, type Folder, touchesState, uriOf } from './folder.ts';
import { Orchestrator } from './orchestrator.ts';
import {
  itemReaderPermissions,
  janitorPermissions,
  ownSources,
  type Places,
  planPermissions,
  reportPermissions,
  transferPermissions,
  within,
} from './permissions.ts';
import type { BatchDownloaderProps } from './props.ts';
import { createStateBucket } from './state-bucket.ts';
import { WorkerFunction } from './worker.ts';

/**
 * Everything a run needs in an account: a bucket, functions with a role each, the state machine that calls them, and a rule
 * that calls the janitor every hour.
 * Construct ids are an API: changing one replaces what it names.
 */
export class BatchDownloader extends Construct {
  /** Run state in `runs/`, data in `data/`. */
  readonly bucket: IBucket;
  /** Takes a batch input (`docs/schemas/batch-input.schema.json`). */
  readonly stateMachine: StateMachine;
  readonly functions: Readonly<Record<HandlerName, WorkerFunction>>;

  constructor(scope: Construct, id: string, props: BatchDownloaderProps = {}) {
    super(scope, id);
    const settled = checkProps(props);
    const { encryptionKey, secrets = [] } = props;
    checkSecrets(secrets);
    this.bucket = props.bucket ?? createStateBucket(this, 'Bucket', { key: encryptionKey, ...settled });

    const places = placesOf(this.bucket, props, settled);
    const worker = workerFactory(this, settled, environmentOf(places, settled));
    const plan = worker('plan', 'Skyhaul: decides what a run does next', planPermissions(places));
    const transfer = worker('transfer', 'Skyhaul: moves the items of one shard', [
      ...transferPermissions(places),
      ...secretPermissions(secrets),
    ]);
    const report = worker('report', 'Skyhaul: writes the report of a run', reportPermissions(places));
    const janitor = worker('janitor', 'Skyhaul: cleans up after runs that were stopped', janitorPermissions(places));
    // By it they know our own uploads.
    for (const one of [plan, janitor]) one.set('SKYHAUL_UPLOADER', transfer.role.roleName);
    if (secrets.length > 0) transfer.set('SKYHAUL_SECRETS', secretSettings(this, secrets));
    // Plan has no such file, and refuses what would need it when there is none.
    if (settled.module) for (const one of [plan, transfer]) one.set('SKYHAUL_MODULE', settled.module.file);
    for (const [name, value] of Object.entries(planSettings(this, props, settled))) plan.set(name, value);
    new Rule(this, 'Hourly', {
      description: 'Skyhaul: the janitor looks at all runs',
      schedule: Schedule.rate(Duration.hours(1)),
      targets: [new LambdaTarget(janitor.fn, { event: RuleTargetInput.fromObject({}) })],
    });
    this.functions = { plan, transfer, report, janitor };
    const orchestrator = new Orchestrator(this, 'Orchestrator', {
      workers: { plan, transfer, report },
      janitor,
      retries: settled.retries,
      logRetention: settled.logRetention,
      itemReader: itemReaderPermissions(places),
    });
    this.stateMachine = orchestrator.stateMachine;
    this.#output('SkyhaulStateMachineArn', this.stateMachine.stateMachineArn, 'Starts a run');
    this.#output('SkyhaulBucketName', this.bucket.bucketName, 'Run state in runs/, data in data/');
    this.#output('SkyhaulJanitorName', janitor.fn.functionName, 'Cleans up after a run that was stopped');
    this.#output('SkyhaulRegion', Stack.of(this).region, 'Where both are');
  }

  /** By a fixed name, which the command line looks for. A second downloader of one stack has its id in front. */
  #output(name: string, value: string, description: string): void {
    const stack = Stack.of(this);
    const isFirst = stack.node.tryFindChild(name) === undefined;
    new CfnOutput(stack, isFirst ? name : `${this.node.id}${name}`, { value, description });
  }
}

function placesOf(bucket: IBucket, props: BatchDownloaderProps, settled: Settled): Places {
  const own: Folder = { bucket, prefix: '', key: props.encryptionKey ?? bucket.encryptionKey };
  for (const [index, folder] of settled.destinations.entries()) {
    if (!touchesState(folder, bucket)) continue;
    const found = `got '${folder.prefix}' of the bucket that holds them`;
    throw new Error(`destinations[${index}]: prefix must keep away from the state of runs in runs/, ${found}`);
  }
  // A folder of the own bucket is encrypted with the own key, although an imported bucket does not know it.
  const withOwnKey = (folder: Folder) => (folder.bucket === bucket ? within(own, folder.prefix) : folder);
  return {
    own,
    destinations: [within(own, DATA_PREFIX), ...settled.destinations.map(withOwnKey)],
    manifestSources: [...ownSources(own, props.bucket === undefined), ...settled.manifestSources.map(withOwnKey)],
    tags: props.objectTags === true,
  };
}

/** What `functions/settings.ts` reads. Nothing secret: whoever may look at a function sees it. */
function environmentOf({ own, destinations, manifestSources }: Places, settled: Settled): Record<string, string> {
  const { roundTime } = settled;
  return {
    SKYHAUL_STATE_BUCKET: own.bucket.bucketName,
    SKYHAUL_DESTINATIONS: destinations.map(uriOf).join(','),
    SKYHAUL_MANIFEST_SOURCES: manifestSources.map(uriOf).join(','),
    SKYHAUL_ALLOWED_NETWORKS: settled.allowedNetworks.join(','),
    SKYHAUL_MAX_CONCURRENCY: String(settled.maxConcurrency),
    ...(roundTime && { SKYHAUL_ROUND_MINUTES: String(roundTime.toMinutes()) }),
  };
}

/** What batches are held against, by Plan alone. */
function planSettings(scope: Construct, { defaults = {} }: BatchDownloaderProps, { limits }: Settled) {
  const json = (value: object) => Stack.of(scope).toJsonString(value);
  return {
    ...(Object.keys(defaults).length > 0 && { SKYHAUL_DEFAULTS: json(defaults) }),
    ...(Object.keys(limits).length > 0 && { SKYHAUL_LIMITS: json(limits) }),
  };
}

function workerFactory(scope: Construct, settled: Settled, environment: Record<string, string>) {
  return (name: HandlerName, description: string, permissions: ReturnType<typeof planPermissions>) =>
    new WorkerFunction(scope, name.charAt(0).toUpperCase() + name.slice(1), {
      name,
      description,
      permissions,
      environment,
      memory: settled.memory[name],
      timeout: settled.timeouts[name],
      runtime: settled.runtime,
      architecture: settled.architecture,
      logRetention: settled.logRetention,
      reservedConcurrency: name === 'transfer' ? settled.reservedConcurrency : undefined,
      module: name === 'transfer' ? settled.module : undefined,
    });
}
