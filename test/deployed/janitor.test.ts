import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployedStack } from '../support/localstack-stack.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { listen, Runs } from './runs.ts';

const MiB = 1024 * 1024;
let runs: Runs;
let lambda: LambdaClient;
let server: Server;

beforeAll(() => {
  const stack = deployedStack();
  runs = new Runs(stack);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  lambda = new LambdaClient({ endpoint: stack.endpoint, region: 'us-east-1', credentials });
});

afterAll(() => {
  server?.close().closeAllConnections();
  lambda.destroy();
  runs.close();
});

async function janitor(run: string): Promise<{ state: string }> {
  const command = new InvokeCommand({
    FunctionName: runs.stack.janitorFunction,
    Payload: Buffer.from(JSON.stringify({ run })),
  });
  const { Payload, FunctionError } = await lambda.send(command);
  const answer = Buffer.from(Payload ?? []).toString('utf8');
  if (FunctionError) throw new Error(answer);
  return JSON.parse(answer);
}

it('L15: ends a run whose execution was stopped, with no upload open and a report, and it can be continued', async () => {
  const body = bytesOf('stopped', 10 * MiB);
  const asked: string[] = [];
  let isSlow = true;
  let begin = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const listening = await listen(({ url: path = '' }, response) => {
    asked.push(path);
    if (path === '/done') return response.end('done');
    response.writeHead(200, { 'Content-Length': body.length });
    if (!isSlow) return response.end(body);
    return response.write(body.subarray(0, 9 * MiB), () => begin());
  });
  server = listening.server;
  const items = ['/done', '/slow'].map((path) => ({ url: `${listening.url}${path}`, key: path.slice(1) }));
  const run = runs.newRun();
  const executionArn = await runs.start(run, { items, options: { perHostConnections: 1 } });
  await hasBegun;

  await runs.functions.send(new StopExecutionCommand({ executionArn }));
  const states = [];
  while (states.at(-1) !== 'reported' && states.length < 100) {
    states.push((await janitor(run)).state);
    await sleep(500);
  }

  expect(states.at(-1)).toBe('reported');
  expect(await runs.openUploads(run)).toEqual([]);
  expect(await runs.outcomes(run)).toMatchObject([
    { key: 'done', outcome: 'stored' },
    { key: 'slow', outcome: 'failed', error: 'Interrupted' },
  ]);

  isSlow = false;
  const summary = await runs.ended(await runs.start(run, {}));
  expect(summary.counts).toEqual({ stored: 2, skipped: 0, failed: 0 });
  expect(asked).toEqual(['/done', '/slow', '/slow']);
  expect(body.equals(await runs.bytes(`data/${run}/`, 'slow'))).toBe(true);
});
