import { describe, expect } from 'vitest';
import { type AwsAnswer, awsError } from '../support/aws-answers.ts';
import { arnOf, type Deployment, it, MACHINE } from './deployment.ts';

describe('skyhaul stop', () => {
  const summaryOf = (run: string, { bucket }: Deployment) => {
    const at = (name: string) => `s3://${bucket}/runs/${run}/${name}`;
    const counts = { stored: 1, skipped: 0, failed: 1 };
    return {
      ...{ run, counts, bytes: 5, seconds: 1, cost: 0 },
      ...{ report: at('report.jsonl'), failed: at('failed.jsonl'), html: at('report.html') },
    };
  };
  async function underWay(run: string, { bucket, answers, put }: Deployment) {
    await put(run, 'input.json', { input: { run, items: [{}], to: `s3://${bucket}/data` }, startedAt: 0 });
    await put(run, 'claim.json', { execution: arnOf(`${run}-1`), beatAt: 0 });
    const running = [arnOf(`${run}-1`), arnOf(`${run}-2`)];
    answers.DescribeExecution = ({ executionArn }) =>
      running.includes(String(executionArn))
        ? { body: { status: 'RUNNING', startDate: 0 } }
        : awsError('ExecutionDoesNotExist');
  }

  it('stops what runs, waits until no worker can be at work, and says what there is', async ({ deployment }) => {
    const { skyhaul, asked, answers, put, get } = deployment;
    await underWay('stopping', deployment);
    await put('stopping', 'summary.json', summaryOf('stopping', deployment));
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
    expect(JSON.parse(String(await get('stopping', 'stop.json')))).toEqual({ throughRound: Number.MAX_SAFE_INTEGER });
    expect(ended.stderr).toMatch(/Waiting for the execution to end\.\nWaiting for the janitor\.\nWaiting for workers/);
    expect(ended.stderr).toContain('npx skyhaul submit --run stopping');
    expect(JSON.parse(ended.stdout)).toEqual(summaryOf('stopping', deployment));
  });

  it('leaves the rest to the hourly janitor when the time to wait is up', async ({ deployment }) => {
    const { skyhaul, answers } = deployment;
    await underWay('long', deployment);
    answers.Invoke = () => ({ body: { run: 'long', state: 'busy', until: Date.now() + 900_000 } });

    const ended = await skyhaul(['stop', 'long', '--timeout', '1s']);

    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining('The hourly janitor does the rest.') });
  });

  it('can do without knowing the janitor', async ({ deployment }) => {
    const { skyhaul, asked, bucket } = deployment;
    await underWay('parts', deployment);

    const ended = await skyhaul(['stop', 'parts', '--state-machine', MACHINE, '--bucket', bucket]);

    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('The hourly janitor does the rest.') });
    expect(asked('StopExecution')).toHaveLength(2);
    expect(asked('DescribeStacks')).toEqual([]);
  });

  it('does not wait for a janitor that fails, nor for a run that is not there', async ({ deployment }) => {
    const { skyhaul, answers } = deployment;
    await underWay('broken', deployment);
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
