import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect } from 'vitest';
import { awsError } from '../support/aws-answers.ts';
import { arnOf, it, LIST, MACHINE } from './deployment.ts';

describe('skyhaul submit', () => {
  it('keeps list, options and headers in the state of the run; the execution learns the name of the run only', async ({
    deployment: { folder, skyhaul, asked, aws, get, bucket },
  }) => {
    const packed = gzipSync(LIST);
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
    expect(await get('sealed', 'manifest.txt.gz')).toEqual(packed);
    expect(JSON.parse(String(await get('sealed', 'input.json'))).input).toMatchObject({
      run: 'sealed',
      manifest: { uri: `s3://${bucket}/runs/sealed/manifest.txt.gz`, format: 'txt' },
      to: `s3://${bucket}/data`,
      options: { attempts: 7, request: { headers: { 'X-Token': 'canary' } } },
    });
    const [started, ...others] = asked('StartExecution');
    expect(others).toEqual([]);
    expect(started).toEqual({
      stateMachineArn: MACHINE,
      name: 'sealed-1',
      input: JSON.stringify({ run: 'sealed', to: `s3://${bucket}/data` }),
    });
    expect(JSON.stringify(aws.asked) + ended.stderr).not.toContain('canary');
  });

  it('says where the run is to be seen, and how to watch, read and stop it', async ({ deployment: { skyhaul } }) => {
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

  it('continues a run under the next free name, where it went before', async ({
    deployment: { skyhaul, asked, answers, put },
  }) => {
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

  it('starts nothing where the run is being worked on, is not there, or has another list', async ({
    deployment: { skyhaul, asked, answers, put },
  }) => {
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

  it('waits for the end when asked to, no longer than it may', async ({ deployment: { skyhaul, answers } }) => {
    answers.DescribeExecution = ({ executionArn }) =>
      executionArn === arnOf('waits-1')
        ? { body: { status: 'RUNNING', startDate: 0 } }
        : awsError('ExecutionDoesNotExist');

    const ended = await skyhaul(['submit', 'list.txt', '--run', 'waits', '--wait', '--wait-timeout', '1s']);

    expect(ended).toMatchObject({ code: 5, stdout: 'waits\n' });
    expect(ended.stderr).toContain('the time to wait is up; the run goes on');
  });

  it('tells why an execution failed', async ({ deployment: { skyhaul, answers } }) => {
    const cause = JSON.stringify({ errorType: 'ManifestInvalid', errorMessage: '2 of 2 lines are not valid' });
    answers.DescribeExecution = () => ({ body: { status: 'FAILED', startDate: 0, error: 'ManifestInvalid', cause } });

    const ended = await skyhaul(['submit', 'list.txt', '--run', 'bad', '--wait']);

    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('skyhaul: ManifestInvalid: 2 of 2 lines are not valid\n  Correct them');
  });
});
