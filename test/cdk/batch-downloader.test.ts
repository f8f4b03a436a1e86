import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { definitionFile } from '../../cdk/definition-file.ts';
import { root } from '../architecture/source-files.ts';
import { render, synthesise, workerNames } from './synth.ts';

const made = synthesise();
const { template, resources, ofType } = made;
const { DefinitionString: definition } = made.only('AWS::StepFunctions::StateMachine');

describe('a downloader without props', () => {
  it('keeps the ids of what holds data or is named elsewhere: a new id would replace it', () => {
    const stateful = [
      'AWS::S3::Bucket',
      'AWS::StepFunctions::StateMachine',
      'AWS::Lambda::Function',
      'AWS::IAM::Role',
      'AWS::Logs::LogGroup',
    ];

    expect(stateful.flatMap((type) => ofType(type).map(([id]) => id))).toEqual([
      'DownloaderBucketDAB0B9DF',
      'DownloaderOrchestratorStateMachine592F0111',
      'DownloaderPlanFunction314E98FB',
      'DownloaderTransferFunction8CA79F01',
      'DownloaderReportFunctionCEA66018',
      'DownloaderJanitorFunction2240C122',
      'DownloaderPlanRoleCFC42F00',
      'DownloaderTransferRole2A67A670',
      'DownloaderReportRole20D5F488',
      'DownloaderJanitorRole32AB2FAD',
      'DownloaderOrchestratorRole57C73466',
      'DownloaderPlanLogs05BBB4D8',
      'DownloaderTransferLogs4809AC45',
      'DownloaderReportLogsE0BE89D7',
      'DownloaderJanitorLogsAEDE4A12',
      'DownloaderOrchestratorLogsD3C618B8',
    ]);
  });

  it('has a private, versioned bucket, owned by the account and kept when the stack goes', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
      },
    });
  });

  it('refuses every request to the bucket that is not made over TLS 1.2 or later', () => {
    const denied = (condition: object) => Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: condition });

    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [
          denied({ Bool: { 'aws:SecureTransport': 'false' } }),
          denied({ NumericLessThan: { 's3:TlsVersion': 1.2 } }),
        ],
      },
    });
  });

  it('S01, S19: forgets uploads after a week and run state after a month, every version of it, but never data', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          {
            Id: 'abort-incomplete-uploads',
            Status: 'Enabled',
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
          },
          {
            Id: 'expire-run-state',
            Status: 'Enabled',
            Prefix: 'runs/',
            ExpirationInDays: 30,
            NoncurrentVersionExpiration: { NoncurrentDays: 1 },
          },
        ],
      },
    });
  });

  it.each([
    ['Plan', 2_048],
    ['Transfer', 1_024],
    ['Report', 1_024],
    ['Janitor', 1_024],
  ] as const)('runs %s from its bundle, on arm64 and Node 24, traced and for up to 15 minutes', (name, MemorySize) => {
    const { ReservedConcurrentExecutions, ...properties } = made.functionOf(name);

    expect(properties).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      Timeout: 900,
      MemorySize,
      TracingConfig: { Mode: 'Active' },
    });
    expect(ReservedConcurrentExecutions).toBeUndefined();
  });

  it('tells its functions where state, data and lists are, and nothing secret', () => {
    expect(made.environment()).toEqual({
      SKYHAUL_STATE_BUCKET: 'DownloaderBucketDAB0B9DF',
      SKYHAUL_DESTINATIONS: 's3://DownloaderBucketDAB0B9DF/data',
      SKYHAUL_MANIFEST_SOURCES: 's3://DownloaderBucketDAB0B9DF',
      SKYHAUL_ALLOWED_NETWORKS: '',
      SKYHAUL_MAX_CONCURRENCY: '50',
      MALLOC_ARENA_MAX: '1',
    });
  });

  it('keeps every log for a month, each function and the state machine in a group of its own', () => {
    const groups = ofType('AWS::Logs::LogGroup');

    expect(groups.map(([, { Properties }]) => Properties.RetentionInDays)).toEqual([30, 30, 30, 30, 30]);
    for (const name of workerNames) {
      const { LogGroup } = made.functionOf(name).LoggingConfig as { LogGroup: unknown };
      expect(render(LogGroup)).toContain(`Downloader${name}Logs`);
    }
  });

  it('logs every step of the state machine and none of its data, and traces it', () => {
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false, Destinations: [Match.anyValue()] },
      TracingConfiguration: { Enabled: true },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', {
      LogGroupName: Match.stringLikeRegexp('^/aws/vendedlogs/states/Test-'),
    });
  });

  it('L17: names versions in its definition, and keeps those of earlier deployments', () => {
    const versions = ofType('AWS::Lambda::Version');

    expect(versions).toHaveLength(3);
    for (const [id, version] of versions) {
      expect(version).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
      expect(JSON.stringify(definition)).toContain(`{"Ref":"${id}"}`);
    }
  });

  it('deploys the very definition that was reviewed', () => {
    const {
      'Fn::Join': [, pieces],
    } = definition as { 'Fn::Join': [string, unknown[]] };
    const text = pieces.map((piece) => (typeof piece === 'string' ? piece : placeholder(piece))).join('');

    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(definitionFile, 'utf8')));
  });

  it('has the janitor look at all runs every hour, and tells it whose uploads are ours', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
      Targets: [{ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DownloaderJanitorFunction'), 'Arn'] }, Input: '{}' }],
    });
    template.hasResourceProperties('AWS::Lambda::Permission', { Principal: 'events.amazonaws.com' });
    for (const name of ['Plan', 'Janitor'] as const) {
      expect(made.environment(name)).toEqual({
        ...made.environment(),
        SKYHAUL_UPLOADER: 'DownloaderTransferRole2A67A670',
      });
    }
  });

  it('says under fixed names where its state machine and bucket are', () => {
    const outputs: Record<string, { Value: unknown }> = template.toJSON().Outputs;

    expect(Object.entries(outputs).map(([name, { Value }]) => [name, render(Value)])).toEqual([
      [
        'SkyhaulStateMachineArn',
        'arn:aws:states:eu-central-1:111111111111:stateMachine:DownloaderOrchestratorStateMachine592F0111',
      ],
      ['SkyhaulBucketName', 'DownloaderBucketDAB0B9DF'],
      ['SkyhaulJanitorName', 'DownloaderJanitorFunction2240C122'],
      ['SkyhaulRegion', 'eu-central-1'],
    ]);
  });

  it('waits with the state machine until its role may write logs', () => {
    const [[, { DependsOn = [] }] = ['', {} as never]] = ofType('AWS::StepFunctions::StateMachine');

    expect(DependsOn).toContain('DownloaderOrchestratorRoleDefaultPolicy3858055F');
  });
});

describe('what CDK makes of it', () => {
  const codeOf = (of: typeof made) => workerNames.map((name) => (of.functionOf(name).Code as { S3Key: string }).S3Key);

  it('is code of its own for each function, the same on every synthesis', () => {
    expect(codeOf(synthesise())).toEqual(codeOf(made));
    expect(new Set(codeOf(made)).size).toBe(4);
  });

  it('holds nothing of the machine it was bundled on, so that its hash is the same on every one', () => {
    const { assetOutdir } = App.of(made.stack) as App;

    for (const key of codeOf(made)) {
      const bundle = readFileSync(join(assetOutdir, `asset.${key.replace('.zip', '')}`, 'index.mjs'), 'utf8');
      expect(bundle.length).toBeGreaterThan(100_000);
      expect(bundle).not.toContain(root.replace(/\/$/, ''));
    }
  });

  it('has no resource of a kind that only AWS itself has', () => {
    const kinds = new Set(Object.values(resources).map(({ Type }) => Type));

    expect([...kinds].sort()).toEqual([
      'AWS::Events::Rule',
      'AWS::IAM::Policy',
      'AWS::IAM::Role',
      'AWS::Lambda::Function',
      'AWS::Lambda::Permission',
      'AWS::Lambda::Version',
      'AWS::Logs::LogGroup',
      'AWS::S3::Bucket',
      'AWS::S3::BucketPolicy',
      'AWS::StepFunctions::StateMachine',
    ]);
  });
});

/** What the reviewed definition has in the place of what differs between deployments. */
function placeholder(piece: unknown): string {
  const { Ref } = piece as { Ref: string };
  const name = /^Downloader(Plan|Transfer|Report)Function/.exec(Ref)?.[1];
  return name ? `\${${name}Function}` : `\${${Ref}}`;
}
