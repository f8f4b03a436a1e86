import { ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Permission, permit, permitLater } from './permit.ts';
import { buildStateMachine, type RetryLimits } from './state-machine.ts';
import type { WorkerFunction } from './worker.ts';

export interface OrchestratorProps {
  readonly workers: Readonly<Record<'plan' | 'transfer' | 'report', WorkerFunction>>;
  readonly retries: RetryLimits;
  readonly logRetention: RetentionDays;
  readonly janitor: WorkerFunction;
  /** For the distributed Map to read its items. */
  readonly itemReader: readonly Permission[];
}

/**
 * The state machine, its log and its role. CDK adds grants of its own to a state machine's role, some too wide, some missing
 * (aws-cdk#28820, #35390, #32144, #29266, #33578); here the role takes none of them, and what it needs is written out.
 */
export class Orchestrator extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, props: OrchestratorProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const workers = Object.values(props.workers);
    const logGroup = new LogGroup(this, 'Logs', {
      // With this beginning all of an account's logs share one resource policy, which may have 5,120 characters.
      logGroupName: `/aws/vendedlogs/states/${stack.stackName}-${this.node.addr.slice(-8)}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          // Its own ARN would make machine and role wait for each other.
          ArnLike: { 'aws:SourceArn': arnOf(stack, 'stateMachine', '*') },
        },
      }),
    });
    permit(role, [
      {
        actions: ['lambda:InvokeFunction'],
        // L17: also the versions that executions of earlier deployments go on with.
        resources: workers.map(({ fn }) => `${fn.functionArn}:*`),
        wildcard: 'executions go on with the versions of an earlier deployment',
      },
      ...props.itemReader,
      ...OBSERVABILITY,
    ]);

    const { plan, transfer, report } = props.workers;
    const start = buildStateMachine(
      this,
      {
        plan: { fn: plan.version, timeout: plan.timeout },
        transfer: { fn: transfer.version, timeout: transfer.timeout },
        report: { fn: report.version, timeout: report.timeout },
      },
      props.retries,
    );
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      definitionBody: DefinitionBody.fromChainable(start),
      role: role.withoutPolicyUpdates(),
      tracingEnabled: true,
      // Inputs may name buckets and people: they stay in the execution's history, which has its own permission.
      logs: { destination: logGroup, level: LogLevel.ALL, includeExecutionData: false },
    });
    // CDK's own grants for the Map, which no role takes; cdk-nag would look at them all the same.
    this.stateMachine.node.tryRemoveChild('DistributedMapPolicy');
    // Step Functions checks the permission to log when the machine is created.
    this.stateMachine.node.addDependency(role);

    const name = this.stateMachine.stateMachineName;
    const executions = arnOf(stack, 'execution', `${name}:*`);
    permitLater(this, 'Children', role, [
      { actions: ['states:StartExecution'], resources: [this.stateMachine.stateMachineArn] },
      {
        // A distributed Map's children are executions of its own machine, `<name>/<label>:<id>`.
        actions: ['states:DescribeExecution', 'states:StopExecution'],
        resources: [executions, arnOf(stack, 'execution', `${name}/*`)],
        wildcard: 'the children of a Map have generated names',
      },
    ]);
    // Whether the execution that holds a run's claim is alive.
    const ask = {
      actions: ['states:DescribeExecution'],
      resources: [executions],
      wildcard: 'every execution has its own name',
    };
    permitLater(this, 'PlanAsksOwner', plan.role, [ask]);
    permitLater(this, 'JanitorAsksOwner', props.janitor.role, [ask]);
  }
}

/** Neither service knows resources for these. */
const OBSERVABILITY: readonly Permission[] = [
  {
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
    ],
    resources: ['*'],
    wildcard: 'log delivery and X-Ray know no resources',
  },
  {
    actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
    resources: ['*'],
    wildcard: 'log delivery and X-Ray know no resources',
  },
];

function arnOf(stack: Stack, resource: string, resourceName: string): string {
  return stack.formatArn({ service: 'states', resource, resourceName, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
}
