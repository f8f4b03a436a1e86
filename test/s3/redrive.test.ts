import { describe, expect } from 'vitest';
import { arnOf, it, MACHINE } from './deployment.ts';

/** A run of the deployment that has ended with a failed line, which was given a header by its batch. */
const input = {
  run: 'nightly',
  manifest: { uri: 's3://lists/nightly.jsonl', format: 'jsonl' },
  to: 's3://other/files',
  options: { attempts: 2, request: { headers: { 'X-Token': 'canary' } } },
};
const failed = {
  url: 'https://h.example/a',
  key: 'a',
  request: input.options.request,
  error: { name: 'Throttled', message: '429' },
};
const status = {
  round: 1,
  items: 2,
  left: 0,
  failed: 1,
  skipped: 0,
  bytes: 1,
  spent: { put: 0, get: 0, gigabyteSeconds: 0, invocations: 0 },
  idleRounds: 0,
  historyEvents: 0,
  busyUntil: 0,
  manifestEtag: '',
};
const counted = { round: 1, complete: true, counts: { stored: 1, skipped: 0, failed: 1 }, bytes: 1, samples: [] };

type Put = (run: string, name: string, body: unknown) => Promise<unknown>;

async function endedRun(put: Put): Promise<void> {
  await put('nightly', 'input.json', { input, startedAt: 0 });
  await put('nightly', 'status/0001/status.json', status);
  await put('nightly', 'counted.json', counted);
  await put('nightly', 'failed.jsonl', failed);
}

describe('skyhaul redrive of a deployed run', () => {
  it('starts a new execution on the failed lines, with the options and the destination of the first run', async ({
    deployment: { skyhaul, asked, aws, put, get, bucket },
  }) => {
    await endedRun(put);

    const ended = await skyhaul(['redrive', 'nightly', '--max-concurrency', '3']);

    expect(ended).toMatchObject({ code: 0, stdout: 'nightly-r1\n' });
    expect(ended.stderr).toContain('1 failed line of run nightly: Throttled 1\n');
    expect(ended.stderr).toContain('npx skyhaul watch nightly-r1\n');
    expect(JSON.parse(String(await get('nightly-r1', 'manifest.jsonl')))).toEqual({
      url: 'https://h.example/a',
      key: 'a',
      error: { name: 'Throttled', message: '429' },
    });
    expect(JSON.parse(String(await get('nightly-r1', 'input.json'))).input).toMatchObject({
      run: 'nightly-r1',
      manifest: { uri: `s3://${bucket}/runs/nightly-r1/manifest.jsonl`, format: 'jsonl' },
      to: 's3://other/files',
      options: { attempts: 2, maxConcurrency: 3, request: { headers: { 'X-Token': 'canary' } } },
    });
    expect(asked('StartExecution')).toEqual([
      {
        stateMachineArn: MACHINE,
        name: 'nightly-r1-1',
        input: JSON.stringify({ run: 'nightly-r1', to: 's3://other/files' }),
      },
    ]);
    expect(JSON.stringify(aws.asked) + ended.stderr).not.toContain('canary');
  });

  it('starts nothing where no line has the error, or the run goes on', async ({
    deployment: { skyhaul, asked, answers, put },
  }) => {
    await endedRun(put);
    await put('busy', 'input.json', { input: { ...input, run: 'busy' }, startedAt: 0 });
    await put('busy', 'claim.json', { execution: arnOf('busy-1'), beatAt: 0 });
    answers.DescribeExecution = () => ({ body: { status: 'RUNNING', startDate: 0 } });

    const none = await skyhaul(['redrive', 'nightly', '--only', 'NotFound']);
    const busy = await skyhaul(['redrive', 'busy']);

    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(busy).toMatchObject({ code: 2, stderr: expect.stringContaining('RunInUse') });
    expect(asked('StartExecution')).toEqual([]);
  });

  it('is what a report proposes', async ({ deployment: { skyhaul, put } }) => {
    await endedRun(put);
    const uris = { report: 's3://b/report.jsonl', failed: 's3://b/failed.jsonl', html: 's3://b/report.html' };
    await put('nightly', 'summary.json', {
      run: 'nightly',
      counts: counted.counts,
      bytes: 1,
      seconds: 1,
      cost: 0,
      ...uris,
    });

    expect((await skyhaul(['report', 'nightly'])).stdout).toContain('npx skyhaul redrive nightly\n');
  });
});
