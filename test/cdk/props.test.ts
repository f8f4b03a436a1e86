import { Duration, RemovalPolicy, Size, type Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { describe, expect, it } from 'vitest';
import { isAllowed, rolesOf, statementsOf } from './simulate-policy.ts';
import { bucketNamed, render, type Synthesised, synthesise, workerNames } from './synth.ts';

/** Every prop that does not exclude another, in one synthesis. */
const full = synthesise((stack) => ({
  maxConcurrency: 200,
  reservedConcurrency: 60,
  retries: { throttled: 3, serviceFailed: 4, workerDied: 0, transient: 5 },
  memory: { transfer: Size.mebibytes(512), plan: Size.gibibytes(4) },
  timeouts: { transfer: Duration.minutes(5) },
  roundTime: Duration.minutes(10),
  allowedNetworks: ['10.1.0.0/16', 'fd00::/8'],
  destinations: [
    { bucket: bucketNamed(stack, 'archive'), prefix: 'in/2026/' },
    { bucket: bucketNamed(stack, 'plain') },
  ],
  manifestSources: [{ bucket: bucketNamed(stack, 'lists'), prefix: 'daily' }],
  encryptionKey: new Key(stack, 'Key'),
  accessLogs: { bucket: bucketNamed(stack, 'logs'), prefix: 'skyhaul' },
  objectTags: true,
  removalPolicy: RemovalPolicy.DESTROY,
  stateExpiration: Duration.days(14),
  logRetention: RetentionDays.ONE_WEEK,
  runtime: Runtime.NODEJS_22_X,
  architecture: Architecture.X86_64,
}));

function may(made: Synthesised, role: string, action: string, resource: string, context = {}) {
  return isAllowed(statementsOf(made, rolesOf(made)[role] ?? ''), { action, resource, context });
}

function variablesOf(made: Synthesised, name: 'Plan' | 'Transfer'): Record<string, unknown> {
  return (made.functionOf(name).Environment as { Variables: Record<string, unknown> }).Variables;
}

function definition(made: Synthesised): string {
  return render(made.only('AWS::StepFunctions::StateMachine').DefinitionString);
}

function retriesOf(made: Synthesised, state: string): number[] {
  const { States } = JSON.parse(definition(made));
  return States[state].Retry.map(({ MaxAttempts }: { MaxAttempts: number }) => MaxAttempts);
}

describe('a prop', () => {
  it('maxConcurrency, roundTime, allowedNetworks and folders reach the functions as settings', () => {
    expect(full.environment()).toMatchObject({
      SKYHAUL_MAX_CONCURRENCY: '200',
      SKYHAUL_ROUND_MINUTES: '10',
      SKYHAUL_ALLOWED_NETWORKS: '10.1.0.0/16,fd00::/8',
      SKYHAUL_DESTINATIONS: 's3://DownloaderBucketDAB0B9DF/data,s3://archive/in/2026,s3://plain',
      SKYHAUL_MANIFEST_SOURCES: 's3://DownloaderBucketDAB0B9DF,s3://lists/daily',
    });
  });

  it('reservedConcurrency is set aside for Transfer alone', () => {
    expect(full.functionOf('Transfer').ReservedConcurrentExecutions).toBe(60);
    expect(full.functionOf('Plan').ReservedConcurrentExecutions).toBeUndefined();
  });

  it('objectTags lets Transfer alone tag objects, where it may write them and nowhere else', () => {
    const tag = (made: Synthesised, role: string, resource: string) =>
      may(made, role, 's3:PutObjectTagging', resource, { 's3:ResourceAccount': '111111111111' });
    const roles = Object.keys(rolesOf(full));

    expect(roles.filter((role) => tag(full, role, 'arn:aws:s3:::archive/in/2026/a'))).toEqual(['Transfer']);
    expect(roles.filter((role) => tag(full, role, 'arn:aws:s3:::archive/other/a'))).toEqual([]);
    expect(tag(synthesise(), 'Transfer', 'arn:aws:s3:::DownloaderBucketDAB0B9DF/data/a')).toBe(false);
  });

  it('secrets may be read by Transfer alone, which knows where they may go and no value', () => {
    const made = synthesise((stack) => ({
      secrets: [
        { name: 'api', secret: new Secret(stack, 'Own'), origins: ['https://api.example.com'] },
        {
          name: 'named',
          secret: Secret.fromSecretNameV2(stack, 'Named', 'team/named'),
          origins: ['https://b.test:8443'],
        },
      ],
    }));
    const read = (role: string, arn: string) => may(made, role, 'secretsmanager:GetSecretValue', arn);
    const named = 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:team/named';

    expect(Object.keys(rolesOf(made)).filter((role) => read(role, `${named}-AbCdEf`))).toEqual(['Transfer']);
    expect(read('Transfer', `${named}-other-AbCdEf`)).toBe(false);
    const settings = JSON.parse(render(variablesOf(made, 'Transfer').SKYHAUL_SECRETS));
    expect(settings).toMatchObject([
      { name: 'api', origins: ['https://api.example.com'] },
      { name: 'named', id: named, origins: ['https://b.test:8443'] },
    ]);
    expect(variablesOf(made, 'Plan')).not.toHaveProperty('SKYHAUL_SECRETS');
  });

  it.for([
    [{ name: 'a#b' }, "secrets[0]: name must be of A-Z a-z 0-9 _/+=.@:-, got 'a#b'"],
    [{ origins: [] }, 'secrets[0]: origins must name at least one, got none'],
    [
      { origins: ['https://a.test/x'] },
      "secrets[0]: origins must be such as https://api.example.com, got 'https://a.test/x'",
    ],
    [{ origins: ['*'] }, "secrets[0]: origins must be such as https://api.example.com, got '*'"],
  ] as const)('secrets is refused with %j', ([change, message]) => {
    const props = (stack: Stack) => ({
      secrets: [{ name: 'a', secret: new Secret(stack, 'S'), origins: ['https://a.test'], ...change }],
    });

    expect(() => synthesise(props)).toThrow(message);
  });

  it('retries limits each kind of retry of the state machine', () => {
    expect(retriesOf(full, 'Plan')).toEqual([3, 4, 0, 5]);
    expect(retriesOf(full, 'Report')).toEqual([3, 4, 0, 5]);
    expect(JSON.parse(definition(full)).States.FanOutInline.ItemProcessor.States.Transfer.Retry).toMatchObject([
      { MaxAttempts: 3 },
      { MaxAttempts: 4 },
    ]);
  });

  it('memory is that of the function it names, the others keep theirs', () => {
    const sizes = workerNames.map((name) => full.functionOf(name).MemorySize);

    expect(sizes).toEqual([4_096, 512, 1_024, 1_024]);
  });

  it('L06: timeouts moves the limit of the function and, 30 s behind it, that of its state', () => {
    const { States } = JSON.parse(definition(full));

    expect(full.functionOf('Transfer').Timeout).toBe(300);
    expect(States.FanOutInline.ItemProcessor.States.Transfer.TimeoutSeconds).toBe(330);
    expect(States.FanOutDistributed.ItemProcessor.States.TransferDistributed.TimeoutSeconds).toBe(330);
    expect(States.Plan.TimeoutSeconds).toBe(930);
  });

  it('runtime and architecture are those of all functions', () => {
    for (const name of workerNames) {
      expect(full.functionOf(name)).toMatchObject({ Runtime: 'nodejs22.x', Architectures: ['x86_64'] });
    }
  });

  it('logRetention is that of all log groups', () => {
    const days = full.ofType('AWS::Logs::LogGroup').map(([, { Properties }]) => Properties.RetentionInDays);

    expect(days).toEqual([7, 7, 7, 7, 7]);
  });

  it('stateExpiration, removalPolicy and accessLogs are those of the new bucket', () => {
    full.template.hasResource('AWS::S3::Bucket', { DeletionPolicy: 'Delete' });
    full.template.hasResourceProperties('AWS::S3::Bucket', {
      LoggingConfiguration: { DestinationBucketName: 'logs', LogFilePrefix: 'skyhaul/' },
    });
    const { Rules } = full.only('AWS::S3::Bucket').LifecycleConfiguration as { Rules: { ExpirationInDays?: number }[] };
    expect(Rules.map(({ ExpirationInDays }) => ExpirationInDays)).toEqual([undefined, 14]);
  });

  it('destinations may be written to by Transfer, below their prefix only', () => {
    expect(may(full, 'Transfer', 's3:PutObject', 'arn:aws:s3:::archive/in/2026/a')).toBe(true);
    expect(may(full, 'Transfer', 's3:PutObject', 'arn:aws:s3:::archive/in/2026b')).toBe(false);
    expect(may(full, 'Transfer', 's3:PutObject', 'arn:aws:s3:::archive/a')).toBe(false);
    expect(may(full, 'Transfer', 's3:PutObject', 'arn:aws:s3:::plain/any/where')).toBe(true);
    for (const role of ['Plan', 'Report', 'Janitor', 'Orchestrator']) {
      expect(may(full, role, 's3:PutObject', 'arn:aws:s3:::archive/in/2026/a')).toBe(false);
      expect(may(full, role, 's3:GetObject', 'arn:aws:s3:::archive/in/2026/a')).toBe(false);
    }
    // The janitor takes away what was begun.
    expect(may(full, 'Janitor', 's3:AbortMultipartUpload', 'arn:aws:s3:::archive/in/2026/a')).toBe(true);
    expect(may(full, 'Janitor', 's3:AbortMultipartUpload', 'arn:aws:s3:::archive/a')).toBe(false);
    expect(may(full, 'Janitor', 's3:ListBucketMultipartUploads', 'arn:aws:s3:::archive')).toBe(true);
    // Plan looks whether a destination is there before anything starts.
    expect(
      may(full, 'Plan', 's3:ListBucket', 'arn:aws:s3:::archive', { 's3:prefix': 'in/2026/.skyhaul-preflight' }),
    ).toBe(true);
  });

  it('manifestSources may be read by Plan, below their prefix only', () => {
    expect(may(full, 'Plan', 's3:GetObject', 'arn:aws:s3:::lists/daily/a.csv')).toBe(true);
    expect(may(full, 'Plan', 's3:GetObject', 'arn:aws:s3:::lists/other.csv')).toBe(false);
    expect(may(full, 'Transfer', 's3:GetObject', 'arn:aws:s3:::lists/daily/a.csv')).toBe(false);
    expect(may(full, 'Plan', 's3:PutObject', 'arn:aws:s3:::lists/daily/a.csv')).toBe(false);
  });
});

describe('a key', () => {
  const [keyId = ''] = full.ofType('AWS::KMS::Key').map(([id]) => id);
  const key = `arn:aws:kms:eu-central-1:111111111111:key/${keyId}`;
  const viaS3 = {
    'kms:ViaService': 's3.eu-central-1.amazonaws.com',
    'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::DownloaderBucketDAB0B9DF',
  };

  it('encrypts the new bucket, with a bucket key', () => {
    full.template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
        ],
      },
    });
  });

  it('is used through S3 only, for this bucket only, and not to encrypt by who only reads', () => {
    for (const role of [...workerNames, 'Orchestrator']) {
      expect(may(full, role, 'kms:Decrypt', key, viaS3)).toBe(true);
      expect(may(full, role, 'kms:GenerateDataKey', key, viaS3)).toBe(role !== 'Orchestrator');
      expect(may(full, role, 'kms:Decrypt', key)).toBe(false);
      const another = { ...viaS3, 'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::another' };
      expect(may(full, role, 'kms:Decrypt', key, another)).toBe(false);
    }
  });

  it('of a destination is used there, in the Region and the account of its bucket', () => {
    const made = synthesise((stack) => ({
      destinations: [
        {
          bucket: Bucket.fromBucketAttributes(stack, 'There', {
            bucketName: 'there',
            account: '333333333333',
            region: 'us-west-2',
            encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:us-west-2:333333333333:key/k'),
          }),
        },
      ],
    }));
    const use = {
      'kms:ViaService': 's3.us-west-2.amazonaws.com',
      'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::there/a',
    };
    const theirs = { 's3:ResourceAccount': '333333333333' };

    expect(may(made, 'Transfer', 'kms:GenerateDataKey', 'arn:aws:kms:us-west-2:333333333333:key/k', use)).toBe(true);
    expect(may(made, 'Transfer', 's3:PutObject', 'arn:aws:s3:::there/a', theirs)).toBe(true);
    expect(may(made, 'Transfer', 's3:PutObject', 'arn:aws:s3:::there/a')).toBe(false);
    expect(may(made, 'Plan', 'kms:Decrypt', 'arn:aws:kms:us-west-2:333333333333:key/k', use)).toBe(false);
  });
});

describe('a bucket of one’s own', () => {
  const made = synthesise((stack) => ({
    bucket: bucketNamed(stack, 'mine'),
    encryptionKey: Key.fromKeyArn(stack, 'MyKey', 'arn:aws:kms:eu-central-1:111111111111:key/mine'),
  }));

  it('takes the place of the new one', () => {
    expect(made.ofType('AWS::S3::Bucket')).toEqual([]);
    expect(made.ofType('AWS::S3::BucketPolicy')).toEqual([]);
    expect(made.environment()).toMatchObject({
      SKYHAUL_STATE_BUCKET: 'mine',
      SKYHAUL_DESTINATIONS: 's3://mine/data',
      SKYHAUL_MANIFEST_SOURCES: 's3://mine/runs,s3://mine/data',
    });
  });

  it('is read and written in Skyhaul’s own folders only', () => {
    expect(may(made, 'Transfer', 's3:PutObject', 'arn:aws:s3:::mine/data/a')).toBe(true);
    expect(may(made, 'Plan', 's3:GetObject', 'arn:aws:s3:::mine/runs/r/failed.jsonl')).toBe(true);
    for (const role of [...workerNames, 'Orchestrator']) {
      expect(may(made, role, 's3:GetObject', 'arn:aws:s3:::mine/payroll.csv')).toBe(false);
      expect(may(made, role, 's3:PutObject', 'arn:aws:s3:::mine/payroll.csv')).toBe(false);
    }
  });

  it('has a key that it is used with', () => {
    const use = {
      'kms:ViaService': 's3.eu-central-1.amazonaws.com',
      'kms:EncryptionContext:aws:s3:arn': 'arn:aws:s3:::mine',
    };

    expect(may(made, 'Transfer', 'kms:GenerateDataKey', 'arn:aws:kms:eu-central-1:111111111111:key/mine', use)).toBe(
      true,
    );
  });
});
