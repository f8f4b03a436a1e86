import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { handler as janitor } from '../../functions/janitor.ts';
import { handler as plan } from '../../functions/plan.ts';
import { type AwsAnswer, type AwsAnswers, awsError, startAwsAnswers } from '../support/aws-answers.ts';

const bucket = 'deployed-owners';
const endpoint = inject('s3Endpoint');
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
const lambda = {
  awsRequestId: 'request',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => 900_000,
} as unknown as Context;

let stepFunctions: AwsAnswers;
/** Status of every execution, or how Step Functions fails. */
let answer: AwsAnswer;

beforeAll(async () => {
  stepFunctions = await startAwsAnswers(() => answer);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const environment = {
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ENDPOINT_URL_SFN: stepFunctions.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    SKYHAUL_STATE_BUCKET: bucket,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  vi.unstubAllEnvs();
  await stepFunctions.close();
  s3.destroy();
});

const execution = (name: string) => {
  const id = `arn:aws:states:us-east-1:123456789012:execution:Skyhaul:${name}`;
  return { id, name, startedAt: '2026-11-24T08:00:00Z' };
};
const is = (status: string): AwsAnswer => ({ body: { status } });

async function begin(run: string, name: string) {
  const items = [{ url: 'https://h.example/a', key: `${run}/a` }];
  return plan({ execution: execution(name), input: { run, items, to: `s3://${bucket}/data` } }, lambda);
}

async function openUploads(prefix: string): Promise<string[]> {
  const { Uploads = [] } = await s3.send(
    new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: `data/${prefix}/` }),
  );
  return Uploads.map(({ Key = '' }) => Key);
}

describe('two executions of one run', () => {
  it('are one too many while the first is alive', async () => {
    await begin('two', 'two-1');
    answer = is('RUNNING');

    await expect(begin('two', 'two-2')).rejects.toMatchObject({
      name: 'RunInUse',
      message: expect.stringContaining(execution('two-1').id),
    });
    expect(await begin('two', 'two-1')).toMatchObject({ next: 'fan-out' });
  });

  it.each([
    ['ended', is('ABORTED')],
    ['is not known any more', awsError('ExecutionDoesNotExist')],
  ])('may follow each other once the first %s', async (what, given) => {
    const run = what.replaceAll(' ', '-');
    await begin(run, `${run}-1`);
    answer = given;

    expect(await begin(run, `${run}-2`)).toMatchObject({ run, next: 'fan-out' });
  });

  it('are not decided upon without an answer', async () => {
    await begin('unknown', 'unknown-1');
    answer = awsError('AccessDeniedException');

    await expect(begin('unknown', 'unknown-2')).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });
});

describe('the janitor', () => {
  async function stopped(run: string) {
    await begin(run, `${run}-1`);
    const Key = `data/${run}/a`;
    await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: `data/${run}/somebody-elses` }));
  }

  it('L15: cleans one run up when asked to, after its execution was stopped', async () => {
    await stopped('stopped');
    answer = is('RUNNING');
    expect(await janitor({ run: 'stopped' }, lambda)).toEqual({ run: 'stopped', state: 'running' });
    expect(await openUploads('stopped')).toHaveLength(2);

    answer = is('ABORTED');
    expect(await janitor({ run: 'stopped' }, lambda)).toEqual({ run: 'stopped', state: 'reported', aborted: 1 });

    expect(await openUploads('stopped')).toEqual(['data/stopped/somebody-elses']);
    expect(await janitor({ run: 'stopped' }, lambda)).toEqual({ run: 'stopped', state: 'clean' });
    expect(await janitor({ run: 'never-heard-of' }, lambda)).toEqual({ run: 'never-heard-of', state: 'clean' });
  });

  it('cleans all runs up by the hour, and asks about each only once', async () => {
    await stopped('hourly');
    answer = is('FAILED');

    const first = await janitor({}, lambda);
    const asked = stepFunctions.asked.length;
    const second = await janitor({}, lambda);

    const runs = expect.any(Number);
    expect(first).toEqual({ runs, reported: expect.any(Number) });
    expect(await openUploads('hourly')).toEqual(['data/hourly/somebody-elses']);
    expect(second).toEqual({ runs, reported: 0 });
    expect(stepFunctions.asked.length).toBe(asked);
  });

  it('looks at every run before it says that one could not be cleaned', async () => {
    await stopped('fails');
    await stopped('works');
    const perExecution = (arn: string) => (arn.endsWith('fails-1') ? awsError('AccessDeniedException') : is('ABORTED'));
    const picky = await startAwsAnswers((_call, body) => perExecution(String(body.executionArn)));
    vi.stubEnv('AWS_ENDPOINT_URL_SFN', picky.endpoint);

    await expect(janitor({}, lambda)).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringMatching(/^1 of \d+ runs: /),
    });

    vi.stubEnv('AWS_ENDPOINT_URL_SFN', stepFunctions.endpoint);
    await picky.close();
    expect(await openUploads('works')).toEqual(['data/works/somebody-elses']);
    expect(await openUploads('fails')).toHaveLength(2);
  });
});
