import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { describe, expect, inject, test } from 'vitest';
import { ACCESS, Functions, ROLE } from '../support/localstack-functions.ts';

const { endpoint } = inject('localStack');
const functions = new Functions(endpoint);
const stepFunctions = new SFNClient({ ...ACCESS, endpoint });

describe('A state machine sees the names of errors, as on AWS', { concurrent: true }, () => {
  test.each([
    ['the name that a handler throws', `throw Object.assign(new Error('x'), { name: 'RunInUse' })`, 'RunInUse'],
    ['a timeout', 'await new Promise(() => {})', 'Sandbox.Timedout'],
    ['a crash', 'process.exit(1)', 'Runtime.ExitError'],
  ])('%s', async (_case, body, name) => {
    const failing = await functions.create(`export const handler = async () => { ${body} };`, { timeoutSeconds: 1 });

    const output = await run({
      StartAt: 'Work',
      States: {
        Work: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke',
          Parameters: { FunctionName: failing.arn, Payload: {} },
          Catch: [
            { ErrorEquals: [name], ResultPath: '$.caught', Next: 'Caught' },
            { ErrorEquals: ['States.ALL'], ResultPath: '$.missed', Next: 'Caught' },
          ],
          End: true,
        },
        Caught: { Type: 'Pass', End: true },
      },
    });

    expect(output).toMatchObject({ caught: { Error: name } });
  });

  test('tries again what Retry names, in a process that is new', async () => {
    const once = await functions.create(
      `import { existsSync, writeFileSync } from 'node:fs';
       import { tmpdir } from 'node:os';
       export const handler = async () => {
         const mark = tmpdir() + '/was-here';
         if (existsSync(mark)) return 'second time';
         writeFileSync(mark, '');
         process.exit(1);
       };`,
    );

    const output = await run({
      StartAt: 'Work',
      States: {
        Work: {
          Type: 'Task',
          Resource: 'arn:aws:states:::lambda:invoke',
          Parameters: { FunctionName: once.arn, Payload: {} },
          OutputPath: '$.Payload',
          Retry: [{ ErrorEquals: ['Runtime.ExitError'], IntervalSeconds: 1, MaxAttempts: 1 }],
          End: true,
        },
      },
    });

    expect(output).toBe('second time');
  });
});

/** Resolves with the execution's output. */
async function run(definition: unknown): Promise<unknown> {
  const { stateMachineArn } = await stepFunctions.send(
    new CreateStateMachineCommand({
      name: `test-${randomUUID()}`,
      roleArn: ROLE,
      definition: JSON.stringify(definition),
    }),
  );
  const { executionArn } = await stepFunctions.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
  for (;;) {
    const execution = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status !== 'RUNNING') return JSON.parse(execution.output ?? JSON.stringify(execution.error ?? null));
    await sleep(100);
  }
}
