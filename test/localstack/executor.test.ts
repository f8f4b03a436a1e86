import { setTimeout as sleep } from 'node:timers/promises';
import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Barrier, startBarrier } from '../support/localstack-barrier.ts';
import { Functions, readLogGroup } from '../support/localstack-functions.ts';

const { endpoint, hostOfOrigins } = inject('localStack');
const functions = new Functions(endpoint);

// In Docker, LocalStack's own executor runs the functions.
describe.skipIf(hostOfOrigins !== '127.0.0.1')('A function of LocalStack without Docker', () => {
  let barrier: Barrier;
  beforeAll(async () => {
    barrier = await startBarrier();
  });
  afterAll(() => barrier.close());

  test('gets the event and the context, and answers with what its promise resolves to', async () => {
    const echo = await functions.create(
      `export const handler = async (event, context) => ({ event, name: context.functionName, arn: context.invokedFunctionArn,
         memory: context.memoryLimitInMB, left: context.getRemainingTimeInMillis(), id: context.awsRequestId })`,
      { timeoutSeconds: 20, memoryMiB: 256 },
    );

    const { payload, failed, log } = await echo.invoke({ text: 'a\nb ü', list: [1, null] });

    expect(failed).toBe(false);
    expect(payload).toMatchObject({ event: { text: 'a\nb ü', list: [1, null] }, name: echo.name, memory: '256' });
    expect(payload).toMatchObject({ arn: expect.stringContaining(echo.name) });
    const { left, id } = payload as { left: number; id: string };
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(20_000);
    expect(log).toContain(`START RequestId: ${id}`);
  });

  test('takes and gives megabytes, and is told when its answer is above what Lambda carries', async () => {
    const repeat = await functions.create(
      `export const handler = async ({ text, times }) => ({ text: text.repeat(times) })`,
    );
    const text = 'x'.repeat(2_000_000);

    expect(await repeat.invoke({ text, times: 2 })).toMatchObject({ failed: false, payload: { text: text + text } });
    expect(await repeat.invoke({ text, times: 4 })).toMatchObject({
      failed: true,
      payload: { errorType: 'Function.ResponseSizeTooLarge' },
    });
  });

  test('sees its own environment and nothing of the machine', async () => {
    const show = await functions.create('export const handler = async () => process.env', {
      environment: { GREETING: 'hello' },
    });

    const environment = (await show.invoke()).payload as Record<string, string>;

    expect(environment).toMatchObject({
      GREETING: 'hello',
      AWS_LAMBDA_FUNCTION_NAME: show.name,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: endpoint,
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x',
      _HANDLER: 'index.handler',
    });
    expect(
      Object.keys(environment).filter((name) => /^(HOME|PYTHON|GATEWAY|VITEST|LAMBDA_RUNTIME_EX)/.test(name)),
    ).toEqual([]);
  });

  test('keeps its process warm from one invocation to the next', async () => {
    const count = await functions.create('let count = 0; export const handler = async () => [process.pid, ++count]');

    const [first, second] = [(await count.invoke()).payload, (await count.invoke()).payload] as [number, number][];

    expect([first?.[1], second?.[1]]).toEqual([1, 2]);
    expect(second?.[0]).toBe(first?.[0]);
  });

  test('runs as often at once as it is invoked, each time with a process and a temporary directory of its own', async () => {
    const atOnce = 24;
    const together = await functions.create(
      `import { readdirSync, writeFileSync } from 'node:fs';
       import { tmpdir } from 'node:os';
       export const handler = async (url) => {
         const found = readdirSync(tmpdir());
         writeFileSync(tmpdir() + '/mine', '');
         if (url) await fetch(url);
         return { pid: process.pid, tmp: tmpdir(), found };
       }`,
    );

    const invocations = Array.from({ length: atOnce }, () => together.invoke(barrier.url));
    await barrier.waiting(atOnce);
    barrier.open();
    const answers = (await Promise.all(invocations)).map(({ payload }) => payload as Record<string, unknown>);

    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(atOnce);
    expect(new Set(answers.map(({ tmp }) => tmp)).size).toBe(atOnce);
    expect(answers.flatMap(({ found }) => found)).toEqual([]);
    expect((await together.invoke(null)).payload).toMatchObject({ found: ['mine'] });
  });

  test('finishes the invocation under way when it is updated, and starts the next one anew', async () => {
    const gate = await startBarrier();
    const slow = await functions.create(
      'export const handler = async (url) => { if (url) await fetch(url); return [process.pid, process.env.COLOUR]; }',
      { environment: { COLOUR: 'red' } },
    );
    const underWay = slow.invoke(gate.url);
    await gate.waiting(1);

    await functions.client.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: slow.name,
        Environment: { Variables: { COLOUR: 'blue' } },
      }),
    );
    while (((await slow.invoke(null)).payload as string[])[1] !== 'blue') await sleep(100);
    await gate.close();

    expect((await underWay).payload).toEqual([expect.any(Number), 'red']);
  });

  test('has its log in CloudWatch, between START and REPORT', async () => {
    const talk = await functions.create(
      `console.log('loading');
       export const handler = async () => { console.warn('careful'); process.stdout.write('{"plain":1}\\n'); }`,
    );

    const { payload } = await talk.invoke();
    let messages: readonly string[] = [];
    while (messages.length === 0) messages = await readLogGroup(endpoint, `/aws/lambda/${talk.name}`);

    expect(payload).toBe(null);
    expect(messages).toEqual([
      expect.stringMatching(/INFO\tloading$/),
      expect.stringMatching(/^START RequestId: \S+ Version: \$LATEST$/),
      expect.stringMatching(/\tWARN\tcareful$/),
      '{"plain":1}',
      expect.stringMatching(/^END RequestId: \S+$/),
      expect.stringMatching(
        /^REPORT RequestId: \S+\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms$/,
      ),
    ]);
  });
});
