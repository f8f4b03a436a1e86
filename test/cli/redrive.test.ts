import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { overlaid } from '../../cli/redrive-command.ts';
import { readRedriveFlags } from '../../cli/redrive-flags.ts';
import { redriveId } from '../../cli/redrive-list.ts';
import { runId } from '../../lib/contract/batch-input.ts';
import { options } from '../../lib/contract/options.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { LOOPBACK, runSkyhaul, shownCommand, startSkyhaul, until } from './skyhaul-process.ts';

let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-redrive-'));
  origin = await startOrigin({ '/a': { body: 'alpha' }, '/slow': { body: 'slow', stall: { afterBytes: 2 } } });
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const skyhaul = (...words: string[]) => runSkyhaul([...words, '--to', 'out'], { cwd: folder });
const redrive = (run: string, ...words: string[]) => skyhaul('redrive', run, ...words, ...LOOPBACK);
const file = (run: string, name: string) => readFile(join(folder, 'out/.skyhaul/runs', run, name), 'utf8');
const report = async (run: string) =>
  (await file(run, 'report.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

async function runLines(lines: readonly object[], ...words: string[]) {
  await writeFile(join(folder, 'list.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return skyhaul('run', 'list.jsonl', '--run', 'r', ...words, ...LOOPBACK);
}

describe('skyhaul redrive', () => {
  it('runs the failed lines and no others, as they were, with the options of the first run', async () => {
    const lines = [
      { url: origin.url('/a'), key: 'a' },
      { url: origin.url('/b'), key: 'b', id: 'the b', request: { headers: { 'X-Own': 'line' } } },
    ];
    const first = await runLines(lines, '-H', 'X-Batch: kept', '--transform', 'gzip', '--attempts', '2');
    origin.on('/b', { body: 'beta' });

    const words = shownCommand(first.stderr, 'Run the failed lines again:').split(' ');
    const ended = await runSkyhaul(words, { cwd: folder });

    expect(first.code).toBe(3);
    expect(words.slice(0, 2)).toEqual(['redrive', 'r']);
    expect(ended.stderr).toContain('1 failed line of run r: NotFound 1\n');
    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(await report('r-r1')).toMatchObject([{ line: 1, id: 'the b', key: 'b', outcome: 'stored', bytesIn: 4 }]);
    expect(origin.requests.at(-1)?.headers).toMatchObject({ 'x-batch': 'kept', 'x-own': 'line' });
    const { input } = JSON.parse(await file('r-r1', 'input.json'));
    expect(input.options).toMatchObject({ attempts: 2, request: { headers: { 'X-Batch': 'kept' } } });
  });

  it('lets flags stand over what the first run said of every line, not over what a line says itself', async () => {
    const own = { headers: { 'X-A': 'line' } };
    await runLines(
      [
        { url: origin.url('/b'), key: 'b' },
        { url: origin.url('/c'), key: 'c', request: own },
      ],
      '-H',
      'X-A: first',
      '-H',
      'X-B: first',
    );
    origin.on('/b', { body: 'beta' });
    origin.on('/c', { body: 'gamma' });

    const ended = await redrive('r', '-H', 'X-A: again', '--attempts', '1', '--run', 'again');

    expect(ended.code).toBe(0);
    const [b, c] = ['/b', '/c'].map((path) => origin.requests.findLast((request) => request.path === path)?.headers);
    expect(b).toMatchObject({ 'x-a': 'again', 'x-b': 'first' });
    expect(c).toMatchObject({ 'x-a': 'line', 'x-b': 'first' });
  });

  it('goes on with all that a trial left, whatever its limit was', async () => {
    for (const path of ['/b', '/c', '/d']) origin.on(path, { body: path });
    const lines = ['/a', '/b', '/c', '/d'].map((path) => ({ url: origin.url(path) }));

    const trial = await runLines(lines, '--limit', '1');
    const words = shownCommand(trial.stderr, 'Go on with the lines that were not tried:').split(' ');
    const again = await runSkyhaul([...words, '--limit', '1'], { cwd: folder });
    const rest = await redrive('r');

    expect(trial.code).toBe(3);
    expect(trial.stderr).toMatch(/failed +0\n +not tried +3\n/);
    expect(again.code).toBe(3);
    expect((await report('r-r1')).map(({ outcome }) => outcome)).toEqual(['stored', 'failed', 'failed']);
    expect(rest).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('3 failed lines of run r: LimitReached 3\n'),
    });
    expect((await report('r-r2')).map(({ outcome }) => outcome)).toEqual(['skipped', 'stored', 'stored']);
  });

  it('says which lines it cannot take up, and offers nothing where there are no others', async () => {
    const lines = [{ url: origin.url('/a') }, { url: 'ftp://x/b' }, { url: origin.url('/c') }];
    await runLines(lines, '--skip-invalid');
    const some = await redrive('r');
    await runLines(lines.slice(0, 2), '--skip-invalid', '--run', 'bad');
    const told = await skyhaul('report', 'bad');
    const none = await redrive('bad');

    expect(some.stderr).toContain('1 line is not valid, and not among them: correct the list');
    expect(told.stdout).toContain('None of these lines can be run again as it is: correct the list.');
    expect(told.stdout).not.toContain('npx skyhaul redrive');
    expect(none).toMatchObject({ code: 0, stderr: expect.stringContaining('No line of run bad can be run again: 1') });
  });

  it('is offered with a place for the network that was refused', async () => {
    await writeFile(join(folder, 'list.txt'), `${origin.url('/a')}\n`);
    const refused = await skyhaul('run', 'list.txt', '--run', 'r', '--allow-network', '10.0.0.0/8');

    const told = await skyhaul('report', 'r');

    const command =
      "npx skyhaul redrive r --only AddressRefused --to out --allow-network 10.0.0.0/8 --allow-network '<CIDR>'";
    expect(refused.stderr).toContain(`If you mean the networks that were refused:\n  ${command}\n`);
    expect(told.stdout).toContain(command);
    expect(told.stdout).not.toContain('Run the failed lines again');
  });

  it('takes up only the lines with certain errors, and says what there is otherwise', async () => {
    origin.on('/denied', { status: 403 });
    await runLines([{ url: origin.url('/denied') }, { url: origin.url('/none') }]);
    origin.on('/denied', { body: 'granted' });

    const none = await redrive('r', '--only', 'Throttled,HostNotFound');
    const some = await redrive('r', '--only', 'AccessDenied');

    expect(none).toMatchObject({ code: 0, stdout: '' });
    expect(none.stderr).toContain('No failed line of run r has one of these errors: Throttled, HostNotFound.');
    expect(some.stderr).toContain('1 of 2 failed lines of run r: AccessDenied 1\n');
    expect(await report('r-r1')).toMatchObject([{ url: origin.url('/denied'), outcome: 'stored' }]);
  });

  it('makes no run where nothing failed, and numbers those that it makes', async () => {
    await runLines([{ url: origin.url('/none') }]);
    await redrive('r');
    origin.on('/none', { body: 'there' });

    const second = await redrive('r-r1');
    const third = await redrive('r-r2');

    expect(second.code).toBe(0);
    expect(third).toMatchObject({ code: 0, stderr: expect.stringContaining('No line of run r-r2 can be run again') });
    expect((await readdir(join(folder, 'out/.skyhaul/runs'))).sort()).toEqual(['r', 'r-r1', 'r-r2']);
    expect(await redrive('r', '--run', 'r-r1')).toMatchObject({ code: 2, stderr: expect.stringContaining('r-r1') });
  });

  it('refuses a run that is not there, goes on, or was left in its middle', async () => {
    const missing = await redrive('x');
    const started = startSkyhaul(['run', origin.url('/slow'), '--run', 'r', '--to', 'out', ...LOOPBACK], {
      cwd: folder,
    });
    await until(() => origin.requests.some(({ path }) => path === '/slow'));

    const busy = await redrive('r');
    started.process.kill('SIGINT');
    await started.ended;
    const left = await redrive('r');

    expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('RunNotFound') });
    expect(busy).toMatchObject({ code: 2, stderr: expect.stringContaining('RunInUse') });
    expect(left).toMatchObject({ code: 2, stderr: expect.stringContaining('ReportMissing') });
    expect(await readdir(join(folder, 'out/.skyhaul/runs'))).toEqual(['r']);

    origin.on('/slow', { body: 'slow' });
    await skyhaul('stop', 'r');
    expect((await redrive('r')).code).toBe(0);
    expect(await report('r-r1')).toMatchObject([{ url: origin.url('/slow'), outcome: 'stored' }]);
  });

  it('asks for what no run keeps: the user’s code, and which origin may have a secret', async () => {
    await mkdir(join(folder, 'code'));
    await writeFile(
      join(folder, 'code/upper.mjs'),
      `export default () => new TransformStream({
        transform(chunk, to) { to.enqueue(Buffer.from(Buffer.from(chunk).toString().toUpperCase())); },
      });`,
    );
    await runLines([{ url: origin.url('/b'), key: 'b' }], '--module', 'code/upper.mjs');
    origin.on('/b', { body: 'beta' });

    const without = await redrive('r');
    const given = await redrive('r', '--module', 'code/upper.mjs');

    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('--module: these lines go through') });
    expect(given.code).toBe(0);
    expect(await readFile(join(folder, 'out/b'), 'utf8')).toBe('BETA');
  });

  it('asks for the secrets that lines refer to', async () => {
    await runLines([{ url: origin.url('/b'), auth: { type: 'bearer', token: { secret: 'api' } } }]);

    const ended = await redrive('r');

    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--secret: these lines refer to secrets') });
  });
});

describe('the flags of redrive', () => {
  const refused = (raw: object) => {
    try {
      readRedriveFlags('r', raw);
    } catch (error) {
      return (error as { details: { problems: string[] } }).details.problems;
    }
    return [];
  };

  it('name an error that nobody knows, with the one that was meant', () => {
    expect(refused({ only: ['Throtled,NotFound', 'Nothing like it'] })).toEqual([
      '--only: "Throtled" is no error; did you mean Throttled?',
      '--only: "Nothing like it" is no error',
    ]);
  });

  it('are about this machine or about a deployment, not both', () => {
    expect(refused({ to: 'out', stack: 'S', wait: true })).toHaveLength(2);
    expect(refused({ allowNetwork: ['10.0.0.0/8'], secret: ['a=https://h'], module: 'm' })).toHaveLength(3);
    expect(refused({ to: 'out', allowNetwork: ['10.0.0.0/8'] })).toEqual([]);
  });

  it('stand over the options of the first run, headers by name', () => {
    const before = options.parse({ attempts: 2, request: { headers: { a: '1', b: '1' }, userAgent: 'me' } });
    expect(overlaid(options.parse({ limit: 1 }), {})).not.toHaveProperty('limit');
    expect(overlaid(options.parse({ limit: 1 }), { limit: 2 })).toMatchObject({ limit: 2 });
    const given = { maxConcurrency: 3, request: { headers: { b: '2' } } };

    expect(overlaid(before, given)).toEqual({
      ...before,
      maxConcurrency: 3,
      request: { headers: { a: '1', b: '2' }, userAgent: 'me' },
    });
    expect(overlaid(before, {})).toEqual(before);
  });

  it('make ids that fit, and that do not grow from one time to the next', () => {
    expect(redriveId('nightly', 1)).toBe('nightly-r1');
    expect(redriveId('nightly-r1', 2)).toBe('nightly-r2');
    expect(runId.safeParse(redriveId('a'.repeat(63), 12)).success).toBe(true);
  });
});
