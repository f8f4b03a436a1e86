import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { inject, test } from 'vitest';
import { type Ended, runSkyhaul } from '../cli/skyhaul-process.ts';
import { type AwsAnswer, type AwsAnswers, awsError, startAwsAnswers } from '../support/aws-answers.ts';

/**
 * A deployment for real `skyhaul` processes: its bucket is a real one, the other services answer what a test says. They
 * know one stack, start whatever they are asked to, and know no execution.
 */
export interface Deployment {
  /** Where the processes run. `list.txt` lies there. */
  readonly folder: string;
  readonly bucket: string;
  readonly aws: AwsAnswers;
  /** What each call is answered with; to be changed by a test. */
  readonly answers: Record<string, (body: Record<string, unknown>) => AwsAnswer>;
  skyhaul(words: readonly string[], env?: Record<string, string>): Promise<Ended>;
  /** What was asked for with a call so far. */
  asked(call: string): Record<string, unknown>[];
  put(run: string, name: string, body: unknown): Promise<unknown>;
  get(run: string, name: string): Promise<Buffer>;
}

export const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:Skyhaul';
export const arnOf = (name: string) => `arn:aws:states:us-east-1:123456789012:execution:Skyhaul:${name}`;

export const LIST = 'https://h.example/a?signature=canary\nhttps://h.example/b\n';

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
let buckets = 0;

export const it = test.extend<{ deployment: Deployment }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the names of the fixtures from the pattern
  deployment: async ({}, use) => {
    const endpoint = inject('s3Endpoint');
    const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    buckets += 1;
    const bucket = `deployment-${process.pid}-${buckets}`;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const folder = await mkdtemp(join(tmpdir(), 'skyhaul-deployment-'));
    await writeFile(join(folder, 'list.txt'), LIST);
    const answers = usualAnswers(bucket);
    const aws = await startAwsAnswers((call, body) => answers[call]?.(body) ?? awsError('UnexpectedCall', 500));
    await use({
      folder,
      bucket,
      aws,
      answers,
      skyhaul: (words, env = {}) =>
        runSkyhaul(words, {
          cwd: folder,
          env: {
            AWS_ENDPOINT_URL: aws.endpoint,
            AWS_ENDPOINT_URL_S3: endpoint,
            AWS_REGION: 'us-east-1',
            AWS_ACCESS_KEY_ID: credentials.accessKeyId,
            AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
            AWS_EC2_METADATA_DISABLED: 'true',
            ...env,
          },
        }),
      asked: (call) => aws.asked.filter((one) => one.call === call).map(({ body }) => body),
      put: (run, name, body) =>
        s3.send(new PutObjectCommand({ Bucket: bucket, Key: `runs/${run}/${name}`, Body: JSON.stringify(body) })),
      get: async (run, name) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `runs/${run}/${name}` }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      },
    });
    await aws.close();
    s3.destroy();
    await rm(folder, { recursive: true, force: true });
  },
});

function usualAnswers(bucket: string): Deployment['answers'] {
  return {
    DescribeStacks: () => ({
      body: stackWith({
        SkyhaulStateMachineArn: MACHINE,
        SkyhaulBucketName: bucket,
        SkyhaulJanitorName: 'janitor',
      }),
    }),
    DescribeExecution: () => awsError('ExecutionDoesNotExist'),
    StartExecution: ({ name }) => ({ body: { executionArn: arnOf(String(name)), startDate: 0 } }),
    StopExecution: () => ({ body: { stopDate: 0 } }),
  };
}

/** As CloudFormation writes it. */
function stackWith(outputs: Record<string, string>): string {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  const stack = `<member><StackName>Skyhaul</StackName><Outputs>${members.join('')}</Outputs></member>`;
  return `<DescribeStacksResponse><DescribeStacksResult><Stacks>${stack}</Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}
