import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { type Ended, runSkyhaul } from '../cli/skyhaul-process.ts';
import { type AwsAnswer, type AwsAnswers, awsError, startAwsAnswers } from '../support/aws-answers.ts';

const endpoint = inject('s3Endpoint');
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
const Bucket = 'deployment';
const MACHINE = 'arn:aws:states:us-east-1:123456789012:stateMachine:Skyhaul';
const arnOf = (name: string) => `arn:aws:states:us-east-1:123456789012:execution:Skyhaul:${name}`;
const URLS = 'https://h.example/a?signature=canary\nhttps://h.example/b\n';

let folder: string;
let aws: AwsAnswers;
let answers: Record<string, (body: Record<string, unknown>) => AwsAnswer>;

const STACK = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>Skyhaul</StackName><Outputs>
  <member><OutputKey>SkyhaulStateMachineArn</OutputKey><OutputValue>${MACHINE}</OutputValue></member>
  <member><OutputKey>SkyhaulBucketName</OutputKey><OutputValue>${Bucket}</OutputValue></member>
  <member><OutputKey>SkyhaulJanitorName</OutputKey><OutputValue>janitor</OutputValue></member>
</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
const cloudFormationError = (code: string, status: number): AwsAnswer => ({
  status,
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>secret words</Message></Error></ErrorResponse>`,
});

beforeAll(() => s3.send(new CreateBucketCommand({ Bucket })));
afterAll(() => s3.destroy());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-deployment-'));
  await writeFile(join(folder, 'list.txt'), URLS);
  answers = {
    DescribeStacks: () => ({ body: STACK }),
    DescribeExecution: () => awsError('ExecutionDoesNotExist'),
    StartExecution: ({ name }) => ({ body: { executionArn: arnOf(String(name)), startDate: 0 } }),
    StopExecution: () => ({ body: { stopDate: 0 } }),
  };
  aws = await startAwsAnswers((call, body) => answers[call]?.(body) ?? awsError('UnexpectedCall', 500));
});
afterEach(async () => {
  await aws.close();
  await rm(folder, { recursive: true, force: true });
});

const skyhaul = (words: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runSkyhaul(words, {
    cwd: folder,
    env: {
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...env,
    },
  });
const asked = (call: string) => aws.asked.filter((one) => one.call === call).map(({ body }) => body);
const put = (run: string, name: string, body: unknown) =>
  s3.send(new PutObjectCommand({ Bucket, Key: `runs/${run}/${name}`, Body: JSON.stringify(body) }));
async function get(run: string, name: string): Promise<Uint8Array> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `runs/${run}/${name}` }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}
const getJson = async (run: string, name: string) => JSON.parse(Buffer.from(await get(run, name)).toString());

describe('skyhaul submit', () => {
  it('keeps list, options and headers in the state of the run; the execution learns the name of the run only', async () => {
    const packed = gzipSync(URLS);
    await writeFile(join(folder, 'list.txt.gz'), packed);

    const ended = await skyhaul([
      'submit',
      'list.txt.gz',
      '--run',
      'sealed',
      '-H',
      'X-Token: canary',
      '--attempts',
      '7',
    ]);

    expect(ended).toMatchObject({ code: 0, stdout: 'sealed\n' });
    expect(Buffer.from(await get('sealed', 'manifest.txt.gz'))).toEqual(packed);
    expect((await getJson('sealed', 'input.json')).input).toMatchObject({
      run: 'sealed',
      manifest: { uri: `s3://${Bucket}/runs/sealed/manifest.txt.gz`, format: 'txt' },
      to: `s3://${Bucket}/data`,
      options: { attempts: 7, request: { headers: { 'X-Token': 'canary' } } },
    });
    const [started, ...others] = asked('StartExecution');
    expect(others).toEqual([]);
    expect(started).toEqual({
      stateMachineArn: MACHINE,
      name: 'sealed-1',
      input: JSON.stringify({ run: 'sealed', to: `s3://${Bucket}/data` }),
    });
    expect(JSON.stringify(aws.asked) + ended.stderr).not.toContain('canary');
  });

  it('says where the run is to be seen, and how to watch, read and stop it', async () => {
    const ended = await skyhaul([
      'submit',
      'list.txt',
      '--run',
      'shown',
      '--stack',
      'Skyhaul',
      '--region',
      'us-east-1',
    ]);

    expect(ended.stderr).toContain(
      `https://us-east-1.console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/${arnOf('shown-1')}\n`,
    );
    for (const command of ['watch', 'report', 'stop']) {
      expect(ended.stderr).toContain(`  npx skyhaul ${command} shown --region us-east-1\n`);
    }
    const json = await skyhaul(['submit', 'https://h.example/a', '--run', 'json', '--json', '--quiet']);
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toMatchObject({ event: 'run.submitted', run: 'json', execution: arnOf('json-1') });
  });

  it('continues a run under the next free name, where it went before', async () => {
    await put('again', 'input.json', { input: { run: 'again', items: [{}], to: 's3://other/x' }, startedAt: 0 });
    const taken = ['again-1', 'again-2'];
    answers.StartExecution = ({ name }) =>
      taken.includes(String(name))
        ? awsError('ExecutionAlreadyExists')
        : { body: { executionArn: arnOf(String(name)) } };

    expect(await skyhaul(['submit', '--run', 'again'])).toMatchObject({ code: 0, stdout: 'again\n' });

    expect(asked('StartExecution').map(({ name }) => name)).toEqual(['again-1', 'again-2', 'again-3']);
    expect(asked('StartExecution')[0]?.input).toBe(JSON.stringify({ run: 'again', to: 's3://other/x' }));
    const elsewhere = await skyhaul(['submit', '--run', 'again', '--to', 's3://other/y']);
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('RunInputDiffers') });
  });

  it('starts nothing where the run is being worked on, is not there, or has another list', async () => {
    await put('busy', 'claim.json', { execution: arnOf('by-hand'), beatAt: 0 });
    answers.DescribeExecution = ({ executionArn }) =>
      executionArn === arnOf('by-hand') ? { body: { status: 'RUNNING' } } : awsError('ExecutionDoesNotExist');
    await skyhaul(['submit', 'list.txt', '--run', 'same']);

    const busy = await skyhaul(['submit', 'list.txt', '--run', 'busy']);
    const missing = await skyhaul(['submit', '--run', 'missing']);
    const other = await skyhaul(['submit', 'https://h.example/z', '--run', 'same']);

    expect(busy).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`RunInUse: run busy is being worked on by ${arnOf('by-hand')}`),
    });
    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('RunNotFound') });
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('RunInputDiffers') });
    expect(asked('StartExecution')).toHaveLength(1);
  });

  it('waits for the end when asked to, no longer than it may', async () => {
    answers.DescribeExecution = ({ executionArn }) =>
      executionArn === arnOf('waits-1')
        ? { body: { status: 'RUNNING', startDate: 0 } }
        : awsError('ExecutionDoesNotExist');

    const ended = await skyhaul(['submit', 'list.txt', '--run', 'waits', '--wait', '--wait-timeout', '1s']);

    expect(ended).toMatchObject({ code: 5, stdout: 'waits\n' });
    expect(ended.stderr).toContain('the time to wait is up; the run goes on');
  });

  it('tells why an execution failed', async () => {
    const cause = JSON.stringify({ errorType: 'ManifestInvalid', errorMessage: '2 of 2 lines are not valid' });
    answers.DescribeExecution = () => ({ body: { status: 'FAILED', startDate: 0, error: 'ManifestInvalid', cause } });

    const ended = await skyhaul(['submit', 'list.txt', '--run', 'bad', '--wait']);

    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('skyhaul: ManifestInvalid: 2 of 2 lines are not valid\n  Correct them');
  });
});

describe('skyhaul stop', () => {
  const summaryOf = (run: string) => {
    const at = (name: string) => `s3://${Bucket}/runs/${run}/${name}`;
    const counts = { stored: 1, skipped: 0, failed: 1 };
    return {
      ...{ run, counts, bytes: 5, seconds: 1, cost: 0 },
      ...{ report: at('report.jsonl'), failed: at('failed.jsonl'), html: at('report.html') },
    };
  };
  async function underWay(run: string) {
    await put(run, 'input.json', { input: { run, items: [{}], to: `s3://${Bucket}/data` }, startedAt: 0 });
    await put(run, 'claim.json', { execution: arnOf(`${run}-1`), beatAt: 0 });
    const running = [arnOf(`${run}-1`), arnOf(`${run}-2`)];
    answers.DescribeExecution = ({ executionArn }) =>
      running.includes(String(executionArn))
        ? { body: { status: 'RUNNING', startDate: 0 } }
        : awsError('ExecutionDoesNotExist');
  }

  it('stops what runs, waits until no worker can be at work, and says what there is', async () => {
    await underWay('stopping');
    await put('stopping', 'summary.json', summaryOf('stopping'));
    const until = Date.now() + 3_000;
    const died = { body: { errorType: 'Sandbox.Timedout' }, headers: { 'x-amz-function-error': 'Unhandled' } };
    const states: AwsAnswer[] = [
      { body: { run: 'stopping', state: 'running' } },
      died,
      { body: { run: 'stopping', state: 'busy', until } },
      { body: { run: 'stopping', state: 'reported', aborted: 2 } },
    ];
    answers.Invoke = () => states.shift() ?? awsError('asked too often', 500);

    const ended = await skyhaul(['stop', 'stopping', '--json']);

    expect(ended.code, ended.stderr).toBe(0);
    expect(asked('StopExecution').map(({ executionArn }) => executionArn)).toEqual([
      arnOf('stopping-1'),
      arnOf('stopping-2'),
    ]);
    expect(asked('Invoke')).toEqual(Array.from({ length: 4 }, () => ({ function: 'janitor', run: 'stopping' })));
    expect(await getJson('stopping', 'stop.json')).toEqual({ throughRound: Number.MAX_SAFE_INTEGER });
    expect(ended.stderr).toMatch(/Waiting for the execution to end\.\nWaiting for the janitor\.\nWaiting for workers/);
    expect(ended.stderr).toContain('npx skyhaul submit --run stopping');
    expect(JSON.parse(ended.stdout)).toEqual(summaryOf('stopping'));
  });

  it('leaves the rest to the hourly janitor when the time to wait is up', async () => {
    await underWay('long');
    answers.Invoke = () => ({ body: { run: 'long', state: 'busy', until: Date.now() + 900_000 } });

    const ended = await skyhaul(['stop', 'long', '--timeout', '1s']);

    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining('The hourly janitor does the rest.') });
  });

  it('can do without knowing the janitor', async () => {
    await underWay('parts');

    const ended = await skyhaul(['stop', 'parts', '--state-machine', MACHINE, '--bucket', Bucket]);

    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('The hourly janitor does the rest.') });
    expect(asked('StopExecution')).toHaveLength(2);
    expect(asked('DescribeStacks')).toEqual([]);
  });

  it('does not wait for a janitor that fails, nor for a run that is not there', async () => {
    await underWay('broken');
    answers.Invoke = () => ({
      body: { errorType: 'StoreDenied', errorMessage: 'no access' },
      headers: { 'x-amz-function-error': 'Unhandled' },
    });

    expect(await skyhaul(['stop', 'broken'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('StoreDenied: the janitor: StoreDenied no access'),
    });
    expect(await skyhaul(['stop', 'nobody'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('RunNotFound'),
    });
  });
});

describe('a deployment that cannot be worked with', () => {
  it.each([
    [
      'a stack that is not there',
      () => cloudFormationError('ValidationError', 400),
      2,
      'StackNotFound: there is no stack',
    ],
    [
      'a denial',
      () => cloudFormationError('AccessDenied', 403),
      4,
      'AwsDenied: cloudformation:DescribeStacks: AccessDenied (403)',
    ],
    [
      'a stack of something else',
      () => ({ body: '<DescribeStacksResponse/>' }),
      2,
      'has no outputs SkyhaulStateMachineArn',
    ],
  ])('is %s', async (_what, answer, code, text) => {
    answers.DescribeStacks = answer;

    const ended = await skyhaul(['list']);

    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) });
    expect(ended.stderr).not.toContain('secret words');
  });

  it('is one of which nobody says where it is, or who asks', async () => {
    const nowhere = await skyhaul(['list'], { AWS_REGION: '', AWS_DEFAULT_REGION: '', AWS_CONFIG_FILE: '/dev/null' });
    const nobody = await skyhaul(['list'], {
      ...{ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
      ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
    });

    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('give --region, or set AWS_REGION') });
    expect(nobody).toMatchObject({ code: 4, stderr: expect.stringContaining('AwsDenied') });
  });

  it('is one where a permission is missing', async () => {
    answers.StartExecution = () => awsError('AccessDeniedException');

    const ended = await skyhaul(['submit', 'list.txt']);

    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('AwsDenied: states:StartExecution: AccessDeniedException (400)');
  });
});
