import { type Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
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
    this.fn = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: bundleCode(props.name, props.module),
      handler: HANDLER,
      runtime: props.runtime,
      architecture: props.architecture,
      memorySize: props.memory.toMebibytes(),
      timeout: props.timeout,
      environment: { ...NODE_ENVIRONMENT, ...props.environment },
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
}
