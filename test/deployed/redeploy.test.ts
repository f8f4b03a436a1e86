import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient, paginateListFunctions, paginateListVersionsByFunction } from '@aws-sdk/client-lambda';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { expect, it } from 'vitest';
import { deployStacks, destroyStacks } from '../../localstack/cdk.ts';
import { emptyBucket } from '../smoke/empty-bucket.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { listen, Runs } from './runs.ts';

const MiB = 1024 * 1024;
const STACK = 'RedeployTest';
const lane = deployedStack();
const { endpoint } = lane;
const settings = { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
const lambda = new LambdaClient(settings);
const cloudFormation = new CloudFormationClient(settings);

async function deploy(changed: Record<string, string>): Promise<Record<string, string>> {
  const context = { stackName: STACK, allowedNetworks: '127.0.0.0/8', ...changed };
  return (await deployStacks({ endpoint, context }))[STACK] ?? {};
}

/** The function versions that an execution has called so far, in this order. */
async function calledVersions(runs: Runs, executionArn: string): Promise<string[]> {
  const { events = [] } = await runs.functions.send(
    new GetExecutionHistoryCommand({ executionArn, maxResults: 1_000 }),
  );
  return events.flatMap(({ lambdaFunctionScheduledEventDetails: called }) => called?.resource ?? []);
}

async function versionsOf(name: string): Promise<string[]> {
  const versions: string[] = [];
  for await (const page of paginateListVersionsByFunction({ client: lambda }, { FunctionName: name })) {
    versions.push(...(page.Versions ?? []).map(({ FunctionArn = '' }) => FunctionArn));
  }
  return versions;
}

async function functionsOfStack(): Promise<string[]> {
  const names: string[] = [];
  for await (const { Functions = [] } of paginateListFunctions({ client: lambda }, {})) {
    names.push(...Functions.map(({ FunctionName = '' }) => FunctionName));
  }
  return names.filter((name) => name.startsWith(STACK));
}

// In Docker LocalStack runs without our addition (executor/skyhaul_executor/retain.py) and deletes what is retained.
it.skipIf(lane.hostOfOrigins !== '127.0.0.1')(
  'L17: a run that is under way when the stack is deployed again goes on with its own versions, and `cdk destroy` leaves nothing',
  async () => {
    const body = bytesOf('redeploy', 8 * MiB);
    let release = () => {};
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    let begin = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { server, url } = await listen(({ url: path }, response) => {
      if (path !== '/slow') return response.end('quick');
      begin();
      response.writeHead(200, { 'Content-Length': body.length });
      let sent = 0;
      const drip = setInterval(() => {
        response.write(body.subarray(sent, sent + 4_096));
        sent += 4_096;
      }, 250);
      response.once('close', () => clearInterval(drip));
      return void isReleased.then(() => {
        clearInterval(drip);
        response.end(body.subarray(sent));
      });
    });
    const outputs = await deploy({ maxConcurrency: '3' });
    const stateMachineArn = outputs.SkyhaulStateMachineArn ?? '';
    const bucket = outputs.SkyhaulBucketName ?? '';
    const runs = new Runs({ ...lane, stateMachineArn, bucket, janitorFunction: outputs.SkyhaulJanitorName ?? '' });
    const items = ['slow', 'after'].map((key) => ({ url: `${url}/${key}`, key }));
    const run = runs.newRun();
    // One connection, and a round that is over when the slow one is done: the second item waits for another Transfer.
    const underWay = await runs.start(run, { items, options: { perHostConnections: 1, roundMinutes: 0.1 } });
    await hasBegun;
    const calledBefore = await calledVersions(runs, underWay);

    expect(await deploy({ maxConcurrency: '4' })).toEqual(outputs);
    release();
    const { counts } = await runs.ended(underWay);

    expect(counts).toEqual({ stored: 2, skipped: 0, failed: 0 });
    expect(body.equals(await runs.bytes(`data/${run}/`, 'slow'))).toBe(true);
    const called = await calledVersions(runs, underWay);
    const [plan = '', transfer = ''] = calledBefore;
    expect(calledBefore).toEqual([plan, transfer]);
    expect(called.filter((arn) => arn === plan)).toHaveLength(3);
    expect(called.filter((arn) => arn === transfer)).toHaveLength(2);
    expect(new Set(called).size).toBe(3);

    const later = await runs.start(runs.newRun(), { items: items.slice(1) });
    expect((await runs.ended(later)).counts.stored).toBe(1);
    const calledLater = await calledVersions(runs, later);
    expect(calledLater.filter((arn) => called.includes(arn))).toEqual([]);
    const [, laterTransfer = ''] = calledLater;
    const versions = await versionsOf(transfer.replace(/:\d+$/, ''));
    expect(versions).toEqual(expect.arrayContaining([transfer, laterTransfer]));
    expect(await functionsOfStack()).toHaveLength(4);

    await emptyBucket(runs.s3, bucket);
    await destroyStacks({ endpoint, context: { stackName: STACK } });

    await expect(cloudFormation.send(new DescribeStacksCommand({ StackName: STACK }))).rejects.toThrow(
      'does not exist',
    );
    await expect(runs.s3.send(new HeadBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({ name: 'NotFound' });
    await expect(runs.functions.send(new DescribeStateMachineCommand({ stateMachineArn }))).rejects.toMatchObject({
      name: 'StateMachineDoesNotExist',
    });
    expect(await functionsOfStack()).toEqual([]);
    server.close().closeAllConnections();
    runs.close();
  },
);
