import { type Duration, RemovalPolicy, type Size, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  type Architecture,
  type IVersion,
  Function as LambdaFunction,
  type Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { HandlerName } from './bundle.ts';
import { bundleCode, HANDLER } from './bundle-code.ts';
import type { ModuleBundle } from './bundle-module.ts';
import { NODE_ENVIRONMENT } from './node-environment.ts';
import { acknowledge, type Permission, permit } from './permit.ts';

export interface WorkerProps {
  readonly name: HandlerName;
  readonly description: string;
  readonly memory: Size;
  readonly timeout: Duration;
  readonly environment: Readonly<Record<string, string>>;
  readonly permissions: readonly Permission[];
  readonly runtime: Runtime;
  readonly architecture: Architecture;
  readonly logRetention: RetentionDays;
  readonly reservedConcurrency?: number | undefined;
  /** A file beside its own. */
  readonly module?: ModuleBundle | undefined;
}

/** One function with a role, a log group and a version of its own. */
export class WorkerFunction extends Construct {
  readonly fn: LambdaFunction;
  readonly role: Role;
  readonly timeout: Duration;
  readonly #settings: Record<string, string>;

  constructor(scope: Construct, id: string, props: WorkerProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    permit(this.role, [
      // In the place of AWS's managed policy, which allows it for every log group of the account.
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
      ...props.permissions,
    ]);
    acknowledge(this.role, { resources: ['*'], wildcard: 'X-Ray knows no resources; CDK grants two actions to send' });
    this.timeout = props.timeout;
    this.#settings = { ...NODE_ENVIRONMENT, ...props.environment };
    requireRoom(this, this.#settings);
    this.fn = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: bundleCode(props.name, props.module),
      handler: HANDLER,
      runtime: props.runtime,
      architecture: props.architecture,
      memorySize: props.memory.toMebibytes(),
      timeout: props.timeout,
      environment: { ...this.#settings },
      role: this.role,
      logGroup,
      tracing: Tracing.ACTIVE,
      ...(props.reservedConcurrency !== undefined && { reservedConcurrentExecutions: props.reservedConcurrency }),
      // L17: an execution under way goes on with the versions its definition names. CDK would delete them with the next
      // deployment; Lambda deletes them with the function.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
  }

  get version(): IVersion {
    return this.fn.currentVersion;
  }

  /** One more setting. Throws when there is no room for it. */
  set(name: string, value: string): void {
    this.#settings[name] = value;
    requireRoom(this, this.#settings);
    this.fn.addEnvironment(name, value);
  }
}

/** Lambda quotas, "Environment variables": 4 KB, names and values together. */
const MAX_SETTINGS_BYTES = 4_096;

function requireRoom(worker: WorkerFunction, settings: Readonly<Record<string, string>>): void {
  const sizes = Object.entries(settings).map(([name, value]) => {
    return [name, Buffer.byteLength(name) + bytesOf(Stack.of(worker).resolve(value))] as const;
  });
  const bytes = sizes.reduce((sum, [, size]) => sum + size, 0);
  if (bytes <= MAX_SETTINGS_BYTES) return;
  const [largest, size] = sizes.reduce((most, one) => (one[1] > most[1] ? one : most));
  throw new Error(
    `settings of ${worker.node.id} must fit into ${MAX_SETTINGS_BYTES} bytes, got ${bytes}; ${largest} alone takes ${size}`,
  );
}

/** What is known only when it is deployed counts by the name it has in the template. */
function bytesOf(resolved: unknown): number {
  if (typeof resolved === 'string') return Buffer.byteLength(resolved);
  if (typeof resolved !== 'object' || resolved === null) return 0;
  return Object.values(resolved).reduce((sum: number, one) => sum + bytesOf(one), 0);
}
