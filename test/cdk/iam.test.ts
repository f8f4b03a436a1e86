import { Bucket } from 'aws-cdk-lib/aws-s3';
import { describe, expect, it } from 'vitest';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { readDeployPage } from './deploy-page.ts';
import { actionsOf, iamTable } from './iam-table.ts';
import { isAllowed, type Request, rolesOf, statementsOf } from './simulate-policy.ts';
import { render, synthesise, workerNames } from './synth.ts';

const made = synthesise();
const roles = rolesOf(made);
const own = 'arn:aws:s3:::DownloaderBucketDAB0B9DF';
const keys = runKeys('a-run');
const shard = { round: 2, shard: 7 };
const machine = 'DownloaderOrchestratorStateMachine592F0111';
const executionArn = `arn:aws:states:eu-central-1:111111111111:execution:${machine}`;

function may(role: keyof typeof roles, action: string, resource: string, context?: Request['context']): boolean {
  return isAllowed(statementsOf(made, roles[role] ?? ''), { action, resource, ...(context && { context }) });
}

const inBucket = (key: string) => `${own}/${key}`;
const everyone = Object.keys(roles);
const functions = workerNames;
const others = (...names: string[]) => everyone.filter((name) => !names.includes(name));

interface TrustPolicy {
  readonly Statement: readonly { readonly Condition?: { readonly ArnLike?: Readonly<Record<string, unknown>> } }[];
}

describe('the role of each function', () => {
  it('has exactly these actions', () => {
    const telling = ['logs:CreateLogStream', 'logs:PutLogEvents', 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'];
    const storing = ['s3:AbortMultipartUpload', 's3:GetObject', 's3:ListBucket', 's3:PutObject'];
    const and = (...more: string[]) => [...telling, ...storing, ...more].sort();

    expect(Object.fromEntries(everyone.map((name) => [name, actionsOf(made, roles[name] ?? '')]))).toEqual({
      Plan: and('s3:ListMultipartUploadParts', 's3:ListBucketMultipartUploads', 'states:DescribeExecution'),
      Transfer: and('s3:ListMultipartUploadParts'),
      Report: and(),
      Janitor: and('s3:ListMultipartUploadParts', 's3:ListBucketMultipartUploads', 'states:DescribeExecution'),
      Orchestrator: [
        'lambda:InvokeFunction',
        'logs:CreateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:DescribeLogGroups',
        'logs:DescribeResourcePolicies',
        'logs:GetLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:UpdateLogDelivery',
        's3:GetObject',
        'states:DescribeExecution',
        'states:StartExecution',
        'states:StopExecution',
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
        'xray:PutTelemetryRecords',
        'xray:PutTraceSegments',
      ],
    });
  });

  it('is the table in the documentation', () => {
    expect(readDeployPage()).toContain(iamTable(made));
  });

  it('has no action with a star, and no resource that is but a star for anything that knows resources', () => {
    const statements = everyone.flatMap((name) => statementsOf(made, roles[name] ?? ''));
    const anywhere = statements.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);

    expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    expect(
      anywhere.filter((action) => !/^(xray:|logs:\w*(LogDeliver|ResourcePolic|DescribeLogGroups))/.test(action)),
    ).toEqual([]);
  });

  it('has no managed policy of AWS and none inside the role, so that the table is all there is', () => {
    for (const [, { Properties }] of made.ofType('AWS::IAM::Role')) {
      expect(Object.keys(Properties)).toEqual(['AssumeRolePolicyDocument']);
    }
  });

  it('may be taken by its service only; the state machine’s only for machines of this account and Region', () => {
    const trust = Object.entries(roles).map(([name, id]) => {
      const document = made.resources[id]?.Properties.AssumeRolePolicyDocument as TrustPolicy | undefined;
      return [name, document?.Statement ?? []] as const;
    });
    const lambda = [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }];

    expect(Object.fromEntries(trust)).toMatchObject({
      Plan: lambda,
      Transfer: lambda,
      Report: lambda,
      Janitor: lambda,
      Orchestrator: [
        {
          Principal: { Service: 'states.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
        },
      ],
    });
    const [statement] = new Map(trust).get('Orchestrator') ?? [];
    expect(render(statement?.Condition?.ArnLike?.['aws:SourceArn'])).toBe(
      'arn:aws:states:eu-central-1:111111111111:stateMachine:*',
    );
  });
});

describe('objects', () => {
  const data = inBucket('data/host/a.bin');

  it('are written by Transfer alone', () => {
    expect(everyone.filter((role) => may(role, 's3:PutObject', data))).toEqual(['Transfer']);
  });

  it('L15: are given up, while they are uploads, by Transfer and, for it, by Plan and the janitor, who find them', () => {
    for (const action of ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts']) {
      expect(everyone.filter((role) => may(role, action, data))).toEqual(['Plan', 'Transfer', 'Janitor']);
    }
    expect(everyone.filter((role) => may(role, 's3:ListBucketMultipartUploads', own))).toEqual(['Plan', 'Janitor']);
  });

  it('are deleted by nobody, nor any version of them', () => {
    for (const action of [
      's3:DeleteObject',
      's3:DeleteObjectVersion',
      's3:PutLifecycleConfiguration',
      's3:PutBucketPolicy',
    ]) {
      expect(everyone.filter((role) => may(role, action, data) || may(role, action, own))).toEqual([]);
    }
  });

  it('are not read by Report, the janitor and the state machine', () => {
    expect(everyone.filter((role) => may(role, 's3:GetObject', data))).toEqual(['Plan', 'Transfer']);
  });

  it('are not touched in buckets of that name in another account', () => {
    const stranger = { 's3:ResourceAccount': '222222222222' };

    for (const role of functions) {
      expect(statementsOf(made, roles[role] ?? '').length).toBeGreaterThan(0);
      expect(may(role, 's3:GetObject', inBucket(keys.input), stranger)).toBe(false);
      expect(may(role, 's3:PutObject', inBucket(keys.ledger(shard, 'x', 0)), stranger)).toBe(false);
      expect(may(role, 's3:AbortMultipartUpload', data, stranger)).toBe(false);
      expect(may(role, 's3:ListBucketMultipartUploads', own, stranger)).toBe(false);
      expect(may(role, 's3:ListBucket', own, { ...stranger, 's3:prefix': 'runs/x' })).toBe(false);
    }
  });
});

describe('run state', () => {
  const plansWrites = [
    keys.claim,
    keys.input,
    keys.invalid,
    keys.status(1),
    keys.left(1),
    keys.items(0),
    keys.outcomes(1, 0, 0),
    keys.shards(1),
    keys.members(1),
    keys.shard(shard),
  ];
  const reportsWrites = [keys.report, keys.failed, keys.summary, keys.html];

  it('is written by Plan and Report, and by the janitor in their place', () => {
    for (const key of plansWrites) expect(may('Plan', 's3:PutObject', inBucket(key))).toBe(true);
    for (const key of reportsWrites) expect(may('Report', 's3:PutObject', inBucket(key))).toBe(true);
    for (const key of [...plansWrites, ...reportsWrites, keys.stop]) {
      expect(may('Janitor', 's3:PutObject', inBucket(key))).toBe(true);
    }
    // Streams that end early are aborted.
    expect(may('Plan', 's3:AbortMultipartUpload', inBucket(keys.left(1)))).toBe(true);
    expect(may('Report', 's3:AbortMultipartUpload', inBucket(keys.report))).toBe(true);
  });

  it('takes rows of its ledger from Transfer, and nothing else', () => {
    expect(may('Transfer', 's3:PutObject', inBucket(keys.ledger(shard, 'attempt', 3)))).toBe(true);
    for (const key of [...plansWrites, ...reportsWrites]) {
      expect(may('Transfer', 's3:PutObject', inBucket(key))).toBe(false);
      expect(may('Transfer', 's3:AbortMultipartUpload', inBucket(key))).toBe(false);
    }
  });

  it('is read by every function', () => {
    for (const role of functions) {
      for (const key of [...plansWrites, ...reportsWrites, keys.ledger(shard, 'attempt', 3)]) {
        expect(may(role, 's3:GetObject', inBucket(key))).toBe(true);
      }
    }
  });

  it('shows the state machine its lists of shards, from the path that Plan gives, and no URL', () => {
    expect(may('Orchestrator', 's3:GetObject', inBucket(keys.shards(3)))).toBe(true);
    for (const key of [keys.shard(shard), keys.input, keys.failed, keys.items(0), keys.claim]) {
      expect(may('Orchestrator', 's3:GetObject', inBucket(key))).toBe(false);
    }
  });

  it('S22: may be listed, so that a missing key is told from a forbidden one', () => {
    for (const role of functions) {
      // S3 asks with the key for a prefix when an object is missing.
      expect(may(role, 's3:ListBucket', own, { 's3:prefix': keys.summary })).toBe(true);
      expect(may(role, 's3:ListBucket', own, { 's3:prefix': keys.ledgerPrefix(1) })).toBe(true);
    }
    expect(may('Transfer', 's3:ListBucket', own, { 's3:prefix': 'data/host/missing.bin' })).toBe(true);
    expect(may('Plan', 's3:ListBucket', own, { 's3:prefix': 'data/.skyhaul-preflight' })).toBe(true);
    expect(may('Transfer', 's3:ListBucket', own, { 's3:prefix': 'lists/' })).toBe(false);
    expect(may('Report', 's3:ListBucket', own, { 's3:prefix': 'data/' })).toBe(false);
    expect(may('Orchestrator', 's3:ListBucket', own, { 's3:prefix': 'runs/' })).toBe(false);
  });
});

describe('executions and functions', () => {
  it('are started, watched and stopped by the state machine as far as they are children of its own', () => {
    const child = `${executionArn}/a1b2:3c4d`;

    expect(may('Orchestrator', 'states:StartExecution', render({ Ref: machine }))).toBe(true);
    for (const action of ['states:DescribeExecution', 'states:StopExecution']) {
      expect(may('Orchestrator', action, child)).toBe(true);
      expect(may('Orchestrator', action, child.replace(machine, 'Another'))).toBe(false);
      expect(may('Orchestrator', action, child.replace(machine, `${machine}2`))).toBe(false);
    }
    expect(may('Orchestrator', 'states:StartExecution', render({ Ref: machine }).replace(machine, 'Another'))).toBe(
      false,
    );
  });

  it('are asked about by Plan and janitor, to see whether the owner of a claim lives, and started by no function', () => {
    const askers = (arn: string) => functions.filter((role) => may(role, 'states:DescribeExecution', arn));

    expect(askers(`${executionArn}:a-run-1`)).toEqual(['Plan', 'Janitor']);
    expect(askers(`${executionArn}2:a-run-1`)).toEqual([]);
    for (const role of others('Orchestrator')) {
      expect(may(role, 'states:StartExecution', render({ Ref: machine }))).toBe(false);
      expect(may(role, 'states:StopExecution', `${executionArn}:a-run-1`)).toBe(false);
    }
  });

  it('L17: are invoked by the state machine in every version, since executions go on with earlier ones', () => {
    const working = made.ofType('AWS::Lambda::Function').filter(([id]) => !id.startsWith('DownloaderJanitor'));

    expect(working).toHaveLength(3);
    for (const [id] of working) {
      const arn = `arn:aws:lambda:eu-central-1:111111111111:function:${id}`;

      expect(everyone.filter((role) => may(role, 'lambda:InvokeFunction', `${arn}:1`))).toEqual(['Orchestrator']);
      expect(everyone.filter((role) => may(role, 'lambda:InvokeFunction', `${arn}:27`))).toEqual(['Orchestrator']);
      expect(everyone.filter((role) => may(role, 'lambda:InvokeFunction', arn))).toEqual([]);
    }
    expect(may('Orchestrator', 'lambda:InvokeFunction', 'arn:aws:lambda:eu-central-1:111111111111:function:x:1')).toBe(
      false,
    );
  });

  it('write their own log and no other', () => {
    for (const role of functions) {
      const groups = made.ofType('AWS::Logs::LogGroup').map(([id]) => id);
      const open = groups.filter((id) =>
        may(role, 'logs:PutLogEvents', `arn:aws:logs:eu-central-1:111111111111:log-group:${id}:log-stream:x`),
      );

      expect(open).toEqual(groups.filter((id) => id.startsWith(`Downloader${role}Logs`)));
    }
  });
});

it('the simulator itself denies what a bucket policy would have to allow', () => {
  const simple = synthesise((stack) => ({ destinations: [{ bucket: Bucket.fromBucketName(stack, 'D', 'there') }] }));
  const statements = statementsOf(simple, rolesOf(simple).Transfer ?? '');

  expect(isAllowed(statements, { action: 's3:PutObject', resource: 'arn:aws:s3:::there/any/key' })).toBe(true);
  expect(isAllowed(statements, { action: 's3:PutObject', resource: 'arn:aws:s3:::there2/any/key' })).toBe(false);
  expect(isAllowed([], { action: 's3:PutObject', resource: 'arn:aws:s3:::there/any/key' })).toBe(false);
});
