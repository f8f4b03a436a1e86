import { fileURLToPath } from 'node:url';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { startProcess } from '../cli/skyhaul-process.ts';
import { checkReport } from '../smoke/checks.ts';
import { encodeKey, presignGet } from '../smoke/presign.ts';
import { smokeItems } from '../smoke/smoke-items.ts';
import { deployedStack } from '../support/localstack-stack.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const { endpoint, env, hostOfOrigins } = deployedStack();

// In Docker the functions cannot reach LocalStack's S3 under the address in the URLs.
describe.skipIf(hostOfOrigins !== '127.0.0.1')('npm run smoke:aws', () => {
  it('deploys, runs twenty items, compares everything and leaves nothing behind', async () => {
    const words = [
      '--stack',
      'SmokeTest',
      '--context',
      'runtime=nodejs22.x',
      '--context',
      'allowedNetworks=127.0.0.0/8',
    ];

    const ended = await startProcess(process.execPath, ['test/smoke/smoke-aws.ts', ...words], { cwd: checkout, env })
      .ended;

    const report = `${ended.stdout}\n${ended.stderr.slice(-4_000)}`;
    expect(ended.code, report).toBe(0);
    const lines = ended.stdout.trim().split('\n');
    expect(lines.filter((line) => /^ok +\d+\. /.test(line))).toHaveLength(20);
    expect(ended.stdout).not.toContain('WRONG');
    expect(ended.stdout).toMatch(/S3 refuses a wrong CRC32 +BadDigest/);
    expect(ended.stdout).toMatch(/stack and bucket +removed/);

    const client = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    const cloudFormation = new CloudFormationClient(client);
    await expect(cloudFormation.send(new DescribeStacksCommand({ StackName: 'SmokeTest' }))).rejects.toThrow(
      'does not exist',
    );
    const s3 = new S3Client({ ...client, forcePathStyle: true });
    const Bucket = /uploading sources to (\S+)/.exec(ended.stderr)?.[1];
    await expect(s3.send(new HeadBucketCommand({ Bucket }))).rejects.toMatchObject({ name: 'NotFound' });
    cloudFormation.destroy();
    s3.destroy();
  });
});

describe('what the smoke test looks for', () => {
  it('finds lines that are missing, in another order, or with other outcomes, and objects nobody asked for', () => {
    const outcomes = smokeItems.map(
      (_, index): Outcome => ({
        line: index + 1,
        url: 'https://h.example/',
        outcome: 'failed',
        error: 'NotFound',
        attempts: 1,
      }),
    );
    const stray = { key: 'stray', bytes: 0, etag: '', crc32: 0, contentType: undefined, metadata: {} };
    const kept = new Map([['stray', { ...stray, body: Buffer.alloc(0), contentEncoding: undefined }]]);

    const checks = checkReport(outcomes.slice(0, -1), kept);

    // The one line that may say so.
    expect(checks.filter(({ isGood }) => isGood).map(({ title }) => title)).toEqual(['18. not there']);
    expect(checks.at(-1)?.found).toContain('nobody asked for stray');
    expect(checkReport(outcomes.toReversed(), new Map()).filter(({ isGood }) => isGood)).toHaveLength(2);
  });

  it('signs URLs as the S3 manual does in its example', () => {
    const url = presignGet({
      url: 'https://examplebucket.s3.amazonaws.com/test.txt',
      region: 'us-east-1',
      credentials: {
        accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      },
      at: new Date('2013-05-24T00:00:00Z'),
      expiresSeconds: 86_400,
    });

    expect(url).toContain('&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404');
    expect(encodeKey("a b/(1)+'é'")).toBe('a%20b/%281%29%2B%27%C3%A9%27');
  });
});
