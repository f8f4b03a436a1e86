import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DescribeExecutionCommand, GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { executionArn } from '../../cli/execution-names.ts';
import { type Ended, runSkyhaul, startSkyhaul, until } from '../cli/skyhaul-process.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { type Handler, listen, Runs } from './runs.ts';

const MiB = 1024 * 1024;
const servers: Server[] = [];
let folder: string;
let runs: Runs;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-commands-'));
  runs = new Runs(deployedStack());
});

afterAll(async () => {
  for (const server of servers) server.close().closeAllConnections();
  runs.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(handler: Handler): Promise<string> {
  const { server, url } = await listen(handler);
  servers.push(server);
  return url;
}

const options = () => ({ cwd: folder, env: runs.stack.env });
const skyhaul = (...words: string[]): Promise<Ended> => runSkyhaul(words, options());
const jsonLines = ({ stdout }: Ended) =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const execution = (name: string) =>
  runs.functions.send(new DescribeExecutionCommand({ executionArn: executionArn(runs.stack.stateMachineArn, name) }));

/** Answers /a and /b at once, cuts /missing off with a 404, and /slow only when `release` was called. */
async function origin() {
  const slow = bytesOf('slow', 9 * MiB);
  let release = () => {};
  const isReleased = new Promise<void>((resolve) => {
    release = resolve;
  });
  const asked: string[] = [];
  const url = await serve(({ url: path = '', headers }, response) => {
    asked.push(`${path} ${headers['x-token'] ?? ''}`.trim());
    if (path === '/missing') return response.writeHead(404).end();
    if (path !== '/slow') return response.end(`body of ${path}`);
    response.writeHead(200, { 'Content-Length': slow.length }).write(slow.subarray(0, 8 * MiB + 1));
    return void isReleased.then(() => response.end(slow.subarray(8 * MiB + 1)));
  });
  return { url, asked, release };
}

describe.concurrent('the commands about a deployment', () => {
  it('submit a list, watch it to its end, and tell what became of it', async () => {
    const { url, asked } = await origin();
    const run = runs.newRun();
    await writeFile(join(folder, `${run}.txt.gz`), gzipSync(`${url}/a?signature=canary\n${url}/b\n${url}/missing\n`));

    const submitted = await skyhaul('submit', `${run}.txt.gz`, '--run', run, '-H', 'X-Token: canary');
    const watched = await skyhaul('watch', run, '--json', '--quiet');
    const report = await skyhaul('report', run, '--lines');
    const listed = await skyhaul('list', '--json');

    expect(submitted).toMatchObject({ code: 0, stdout: `${run}\n` });
    expect(watched.code, watched.stderr).toBe(3);
    const counts = { stored: 2, skipped: 0, failed: 1 };
    expect(jsonLines(watched).at(-1)).toMatchObject({ run, counts });
    expect(jsonLines(report)).toMatchObject([
      { line: 1, outcome: 'stored' },
      { line: 2, outcome: 'stored' },
      { line: 3, outcome: 'failed', error: 'NotFound' },
    ]);
    expect(jsonLines(listed)).toContainEqual(expect.objectContaining({ run, state: 'finished', items: 3, counts }));
    expect(asked.sort()).toEqual(['/a?signature=canary canary', '/b canary', '/missing canary']);
    const history = await runs.functions.send(
      new GetExecutionHistoryCommand({ executionArn: executionArn(runs.stack.stateMachineArn, `${run}-1`) }),
    );
    expect(JSON.stringify([history, watched.stdout, report.stdout])).not.toContain('canary');
  });

  it('shows what happens while it happens, and leaves a run that takes too long', async () => {
    const { url, release } = await origin();
    const run = runs.newRun();
    const watching = startSkyhaul(
      ['submit', `${url}/a`, `${url}/slow`, '--run', run, '--wait', '--json', '--quiet'],
      options(),
    );
    let seen = '';
    watching.process.stdout?.on('data', (text: string) => {
      seen += text;
    });
    await until(() => seen.includes('"item.ended"'));

    const left = await skyhaul('watch', run, '--timeout', '1s');
    const running = jsonLines(await skyhaul('list', '--json')).find((one) => one.run === run);
    release();
    const ended = await watching.ended;

    expect(left).toMatchObject({ code: 5, stderr: expect.stringContaining(`npx skyhaul watch ${run}`) });
    expect(running).toMatchObject({ state: 'running', items: 2 });
    expect(ended.code).toBe(0);
    const lines = jsonLines(ended);
    expect(lines.filter(({ event }) => event === 'item.ended')).toHaveLength(2);
    expect(lines.at(-1)).toMatchObject({ run, counts: { stored: 2 } });
  });

  it('L15: stop a run so that nothing of it is left open, and continue it', async () => {
    const { url, asked, release } = await origin();
    const run = runs.newRun();
    await skyhaul('submit', `${url}/a`, `${url}/slow`, '--run', run, '--to', `s3://${runs.stack.bucket}/data/${run}`);
    await until(async () => (await runs.openUploads(run)).length === 1);
    expect((await skyhaul('submit', '--run', run)).stderr).toContain('RunInUse');

    const stopped = await skyhaul('stop', run, '--json');
    const state = jsonLines(await skyhaul('list', '--json')).find((one) => one.run === run)?.state;

    expect(stopped.code, stopped.stderr).toBe(0);
    expect(jsonLines(stopped)).toMatchObject([{ run, counts: { stored: 1, skipped: 0, failed: 1 } }]);
    expect(await runs.openUploads(run)).toEqual([]);
    // LocalStack 4.9.2 trips over a Map that is stopped, and says so instead.
    expect(['ABORTED', 'FAILED']).toContain((await execution(`${run}-1`)).status);
    expect(state).toBe('stopped');
    expect((await runs.outcomes(run)).map(({ error }) => error)).toEqual([undefined, 'Interrupted']);
    expect((await skyhaul('watch', run)).code).toBe(4);

    release();
    const continued = await skyhaul('submit', '--run', run, '--wait');

    expect(continued.code, continued.stderr).toBe(0);
    expect((await execution(`${run}-2`)).status).toBe('SUCCEEDED');
    expect((await runs.outcomes(run)).map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
    expect(asked.filter((path) => path === '/a')).toHaveLength(1);
  });

  it('watch a run that was started by other means, under whatever name', async () => {
    const { url } = await origin();
    const run = runs.newRun();
    await runs.start(run, { items: [{ url: `${url}/a` }] });
    await until(async () => (await runs.store('').head(`runs/${run}/claim.json`)) !== undefined);

    const { stateMachineArn, bucket } = runs.stack;
    const watched = await skyhaul('watch', run, '--state-machine', stateMachineArn, '--bucket', bucket);

    expect(watched.code, watched.stderr).toBe(0);
    expect(watched.stderr).toMatch(/stored +1 /);
  });

  it('say what is wrong with a list, and with a place that may not be written to', async () => {
    await writeFile(join(folder, 'bad.txt'), 'ftp://h.example/x\nnonsense\n');

    const bad = await skyhaul('submit', 'bad.txt', '--wait');
    const closed = await skyhaul('submit', 'https://h.example/a', '--to', 's3://somebody-elses/x', '--wait');

    expect(bad).toMatchObject({ code: 4, stderr: expect.stringContaining('ManifestInvalid: 2 of 2 lines') });
    expect(closed).toMatchObject({ code: 4, stderr: expect.stringContaining('DestinationNotAllowed') });
  });

  it('know a stack that is not there', async () => {
    const ended = await skyhaul('watch', 'any', '--stack', 'NoSuchStack');

    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no stack NoSuchStack') });
  });
});
