import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { describe, expect, it } from 'vitest';
import { propsFromContext, stackNameFromContext } from '../../cdk/context.ts';
import type { BucketFolder } from '../../cdk/props.ts';
import { root } from '../architecture/source-files.ts';

const stackWith = (context: Record<string, unknown>) => new Stack(new App({ context, analyticsReporting: false }), 'S');
const read = (context: Record<string, unknown>) => propsFromContext(stackWith(context));
const uris = (folders: readonly BucketFolder[] = []) =>
  folders.map(({ bucket, prefix }) => [bucket.bucketName, prefix]);

describe('context values', () => {
  it('set nothing when they are not given', () => {
    const { memory, timeouts, ...props } = read({});

    expect(Object.values(props).filter((value) => value !== undefined)).toEqual([]);
    expect([memory, timeouts]).toEqual([{}, {}]);
    expect(stackNameFromContext(stackWith({}))).toBe('Skyhaul');
  });

  it('are read as texts, as the command line gives them', () => {
    const props = read({
      bucket: 'mine',
      encryptionKeyArn: 'arn:aws:kms:eu-central-1:111111111111:key/k',
      maxConcurrency: '20',
      reservedConcurrency: '10',
      planMemoryMiB: '4096',
      transferMemoryMiB: '512',
      reportTimeoutSeconds: '120',
      roundMinutes: '15',
      allowedNetworks: '10.0.0.0/8, fd00::/8',
      destinations: 's3://archive/in,s3://plain',
      manifestSources: 's3://lists',
      runtime: 'nodejs22.x',
      architecture: 'x86_64',
      stateExpirationDays: '14',
      logRetentionDays: '7',
      removalPolicy: 'destroy',
      objectTags: 'true',
    });

    expect(props.bucket?.bucketName).toBe('mine');
    expect(props.encryptionKey?.keyArn).toBe('arn:aws:kms:eu-central-1:111111111111:key/k');
    expect(uris(props.destinations)).toEqual([
      ['archive', 'in/'],
      ['plain', ''],
    ]);
    expect(uris(props.manifestSources)).toEqual([['lists', '']]);
    expect(props.runtime?.name).toBe('nodejs22.x');
    expect(props).toMatchObject({
      maxConcurrency: 20,
      reservedConcurrency: 10,
      memory: { plan: Size.mebibytes(4_096), transfer: Size.mebibytes(512) },
      timeouts: { report: Duration.seconds(120) },
      roundTime: Duration.minutes(15),
      allowedNetworks: ['10.0.0.0/8', 'fd00::/8'],
      architecture: Architecture.X86_64,
      stateExpiration: Duration.days(14),
      logRetention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
      objectTags: true,
    });
  });

  it('defaults and limits are JSON, on the command line and in cdk.json', () => {
    const defaults = { attempts: 3, request: { userAgent: 'mine' } };
    const limits = { perHostConnections: 2, maxBytes: 1_024 };

    for (const given of [
      { defaults, limits },
      { defaults: JSON.stringify(defaults), limits: JSON.stringify(limits) },
    ]) {
      const props = read(given);
      expect(props.defaults).toEqual(defaults);
      expect(props.limits?.perHostConnections).toBe(2);
      expect(props.limits?.maxBytes?.toBytes()).toBe(1_024);
    }
  });

  it('are read as numbers and lists, as cdk.json gives them', () => {
    const props = read({ maxConcurrency: 20, allowedNetworks: ['10.0.0.0/8'], destinations: ['s3://archive/in'] });

    expect(props).toMatchObject({ maxConcurrency: 20, allowedNetworks: ['10.0.0.0/8'] });
    expect(uris(props.destinations)).toEqual([['archive', 'in/']]);
  });

  it.each([
    [{ maxConcurrency: 'many' }, 'context value maxConcurrency must be a number, got "many"'],
    [{ maxConcurrency: [2] }, 'context value maxConcurrency must be a number, got [2]'],
    [{ runtime: 24 }, 'context value runtime must be a text, got 24'],
    [{ allowedNetworks: [10] }, 'context value allowedNetworks must be a list of texts, got [10]'],
    [{ destinations: 'archive' }, "context value destinations must hold s3://bucket/prefix, got 'archive'"],
    [{ architecture: 'arm' }, "context value architecture must be arm64 or x86_64, got 'arm'"],
    [{ defaults: '{"a"' }, 'context value defaults must be a JSON object'],
    [{ limits: [1] }, 'context value limits must be a JSON object'],
    [{ limits: { maxByte: 1 } }, 'context value limits: unknown field `maxByte`; did you mean `maxBytes`?'],
    [{ removalPolicy: 'keep' }, "context value removalPolicy must be retain or destroy, got 'keep'"],
    [
      { logRetentionDays: 8 },
      'context value logRetentionDays must be a number of days that CloudWatch Logs knows, got 8',
    ],
  ])('of the wrong kind are refused: %j', (context, message) => {
    expect(() => read(context)).toThrow(new Error(message));
  });
});

describe('the app', () => {
  it('is synthesised from a clone without account, Docker or network, by what cdk.json says', () => {
    const folder = mkdtempSync(join(tmpdir(), 'skyhaul-synth-'));
    const [command = '', ...parameters] = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')).app.split(' ');
    const context = { stackName: 'Other', runtime: 'nodejs22.x', transferMemoryMiB: '768' };

    const { status, stderr } = spawnSync(join(root, 'node_modules/.bin', command), parameters, {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: '', CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) },
    });

    expect(`${status} ${stderr.replaceAll(/Bundling asset .*\n/g, '')}`).toBe('0 ');
    const { Resources, Outputs } = JSON.parse(readFileSync(join(folder, 'Other.template.json'), 'utf8'));
    const functions = Object.values<{ Type: string; Properties: object }>(Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties);
    expect(functions).toMatchObject([{ Runtime: 'nodejs22.x' }, { MemorySize: 768 }, {}, { Runtime: 'nodejs22.x' }]);
    expect(Object.keys(Outputs)).toEqual([
      'SkyhaulStateMachineArn',
      'SkyhaulBucketName',
      'SkyhaulJanitorName',
      'SkyhaulRegion',
    ]);
    rmSync(folder, { recursive: true });
  });
});
