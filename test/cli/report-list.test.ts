import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Origin, startOrigin } from '../support/origin.ts';
import { type Ended, LOOPBACK, runSkyhaul, startSkyhaul, until } from './skyhaul-process.ts';

let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-list-'));
  origin = await startOrigin({ '/a': { body: 'alpha' }, '/slow': { body: 'slow', stall: { afterBytes: 2 } } });
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const skyhaul = (...words: string[]) => runSkyhaul([...words, '--to', 'out'], { cwd: folder });
const run = (id: string, ...paths: string[]) =>
  skyhaul('run', ...paths.map((path) => origin.url(path)), '--run', id, ...LOOPBACK);
const jsonLines = ({ stdout }: Ended) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const file = (id: string, name: string) => readFile(join(folder, 'out/.skyhaul/runs', id, name), 'utf8');

describe('skyhaul report', () => {
  it('says what became of a run, its failures by name, and how to go on', async () => {
    await run('r1', '/a', '/missing');

    const ended = await skyhaul('report', 'r1');

    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^Run r1 took /);
    expect(ended.stdout).toMatch(/stored +1 +5 B/);
    expect(ended.stdout).toContain(
      `1 x NotFound (404)\n    Correct the URL or remove the line.\n    line 2  ${origin.url('/missing')} answered 404\n`,
    );
    expect(ended.stdout).toContain('npx skyhaul redrive r1 --to out --allow-network 127.0.0.1/32\n');
  });

  it('gives the files of the report, or the summary, on stdout', async () => {
    await run('r1', '/a', '/missing');

    expect((await skyhaul('report', 'r1', '--lines')).stdout).toBe(await file('r1', 'report.jsonl'));
    expect((await skyhaul('report', 'r1', '--failed')).stdout).toBe(await file('r1', 'failed.jsonl'));
    expect((await skyhaul('report', 'r1', '--json')).stdout).toBe(await file('r1', 'summary.json'));
  });

  it('copies a report that does not fit into a pipe, and bears that its reader leaves', async () => {
    await run('r1', '/a');
    const lines = Array.from({ length: 40_000 }, (_, line) => JSON.stringify({ line })).join('\n');
    await writeFile(join(folder, 'out/.skyhaul/runs/r1/report.jsonl'), lines);

    expect((await skyhaul('report', 'r1', '--lines')).stdout).toBe(lines);
    const left = startSkyhaul(['report', 'r1', '--lines', '--to', 'out'], { cwd: folder });
    left.process.stdout?.destroy();

    expect(await left.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('tells a run that is not there from one without a report', async () => {
    const missing = await skyhaul('report', 'r1');
    await mkdir(join(folder, 'out/.skyhaul/runs/r1'), { recursive: true });
    const input = { input: { run: 'r1', items: [{}], to: 'out' }, startedAt: 0 };
    await writeFile(join(folder, 'out/.skyhaul/runs/r1/input.json'), JSON.stringify(input));
    const begun = await skyhaul('report', 'r1');

    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('RunNotFound');
    expect(begun).toMatchObject({ code: 2, stdout: '' });
    expect(begun.stderr).toContain('ReportMissing');
  });
});

describe('skyhaul list', () => {
  it('shows no run where there is none', async () => {
    expect(await skyhaul('list')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^RUN +STATE[^\n]*\n$/) });
    expect(await skyhaul('list', '--json')).toMatchObject({ code: 0, stdout: '' });
    expect((await skyhaul('list')).stderr).toBe(`There are no runs at ${join(folder, 'out/.skyhaul')}.\n`);
  });

  it('shows no run of which only the name was given', async () => {
    expect((await skyhaul('run', '--run', 'nigthly')).code).toBe(2);

    expect((await skyhaul('list', '--json')).stdout).toBe('');
  });

  it('shows every run with its state and counts', async () => {
    await run('r-1', '/a', '/missing');
    await run('r', '/a');
    const paths = ['/a', '/missing', '/slow'].map((path) => origin.url(path));
    const slow = startSkyhaul(['run', ...paths, '--run', 'r2', '--to', 'out', ...LOOPBACK], { cwd: folder });
    await until(() => origin.requests.filter(({ path }) => path === '/slow' || path === '/missing').length === 3);

    const during = jsonLines(await skyhaul('list', '--json'));
    slow.process.kill('SIGINT');
    await slow.ended;
    const after = jsonLines(await skyhaul('list', '--json'));

    const startedAt = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const ended = [
      { run: 'r-1', state: 'finished', items: 2, counts: { stored: 1, skipped: 0, failed: 1 }, startedAt },
      { run: 'r', state: 'finished', items: 1, counts: { stored: 0, skipped: 1, failed: 0 }, startedAt },
    ];
    const left = { run: 'r2', items: 3, startedAt };
    expect(during).toEqual([...ended, { ...left, state: 'running', counts: expect.anything() }]);
    // No round of it has ended: this is what its ledger says.
    const counts = { stored: 0, skipped: 1, failed: 1 };
    expect(after).toEqual([...ended, { ...left, state: 'stopped', counts }]);
  });

  it('shows no numbers of an interrupted run whose ledger is too long to be read for them', async () => {
    const slow = startSkyhaul(['run', origin.url('/slow'), '--run', 'r', '--to', 'out', ...LOOPBACK], { cwd: folder });
    await until(() => origin.requests.some(({ path }) => path === '/slow'));
    slow.process.kill('SIGINT');
    await slow.ended;
    await writeFile(join(folder, 'out/.skyhaul/runs/r/ledger/0000/00000/x-00001.jsonl'), '\n'.repeat(5_000_000));

    expect((await skyhaul('list')).stdout).toMatch(/\nr +stopped +\S+ +1 +- +- +-\n$/);
    expect(jsonLines(await skyhaul('list', '--json'))).toMatchObject([{ run: 'r', isBehind: true }]);
  });

  it('does not count lines as failed, or as stored, that a trial left', async () => {
    await skyhaul(
      'run',
      ...['/a', '/b', '/c'].map((path) => origin.url(path)),
      '--limit',
      '1',
      '--run',
      'r',
      ...LOOPBACK,
    );

    expect((await skyhaul('list')).stdout).toMatch(/\nr +finished +\S+ +3 +1 +0 +0\n$/);
    const counts = { stored: 1, skipped: 0, failed: 2 };
    expect(jsonLines(await skyhaul('list', '--json'))).toMatchObject([{ items: 3, counts, notTried: 2 }]);
  });

  it('does not call a run finished that went on after its report', async () => {
    await run('r1', '/a');
    const counted = JSON.parse(await file('r1', 'counted.json')) as { round: number };
    const round = String(counted.round).padStart(4, '0');
    await mkdir(join(folder, `out/.skyhaul/runs/r1/rounds/${round}`), { recursive: true });
    await writeFile(join(folder, `out/.skyhaul/runs/r1/rounds/${round}/shards.json`), '[]');

    expect(jsonLines(await skyhaul('list', '--json'))).toMatchObject([{ run: 'r1', state: 'stopped' }]);
  });

  it('is about a destination or a deployment, not both', async () => {
    const ended = await skyhaul('list', '--stack', 'Skyhaul');

    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('--to: give it, or the deployment, not both');
  });
});
