import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Origin, startOrigin } from '../support/origin.ts';
import { LOOPBACK, runSkyhaul, startSkyhaul, until } from './skyhaul-process.ts';

let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-plan-test-'));
  origin = await startOrigin({ '/a': { body: 'alpha' } });
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const plan = (...words: string[]) => runSkyhaul(['plan', ...words, '--to', 'out'], { cwd: folder });

describe('skyhaul plan', () => {
  it('says what a list would do and cost, and neither asks a source nor writes anything', async () => {
    const sized = { url: origin.url('/b'), size: 3_000 };
    const lines = [{ url: origin.url('/a') }, { url: origin.url('/a') }, sized, { url: 'https://example.com/c' }];
    await writeFile(join(folder, 'list.jsonl'), lines.map((line) => JSON.stringify(line)).join('\n'));

    const ended = await plan('list.jsonl', '--host', 'example.com=2', ...LOOPBACK);
    const told = await plan('list.jsonl', '--json', ...LOOPBACK);

    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/items +4 \(1 duplicate\)/);
    expect(ended.stdout).toMatch(/bytes +2\.9 KiB, 2 of unknown size/);
    expect(ended.stdout).toMatch(/hosts +2, at most 6 connections each/);
    const view = JSON.parse(told.stdout);
    expect(view).toMatchObject({ items: 4, duplicates: 1, hosts: 2, lanes: 3, bytes: 3_000, unknownSizes: 2 });
    expect(view.cost.total).toBeGreaterThan(0);
    expect(origin.requests).toEqual([]);
    expect(await readdir(folder)).toEqual(['list.jsonl']);
  });

  it('counts the URLs of a pattern', async () => {
    const ended = await plan('https://example.com/{1..2000}', '--json');

    expect(JSON.parse(ended.stdout)).toMatchObject({ items: 2_000, hosts: 1, lanes: 6 });
  });

  it('names the lines that are wrong, all of them, and no file that is gone afterwards', async () => {
    const bad = Array.from({ length: 60 }, (_, n) => `ftp://example.com/${n}`);
    await writeFile(join(folder, 'list.txt'), ['https://example.com/a', ...bad].join('\n'));

    const ended = await plan('list.txt');

    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('60 of 61 lines are not valid; nothing was fetched\n');
    expect(ended.stderr).toContain('line 2: ');
    expect(ended.stderr).toContain('line 61: ');
    expect(ended.stderr).not.toContain('invalid.jsonl');
  });

  it('counts what a trial leaves, and what is wrong with it', async () => {
    const lines = [1, 2, 3, 4].map((n) => `https://example.com/${n}`);
    await writeFile(join(folder, 'list.txt'), [...lines, 'ftp://example.com/b', lines[0]].join('\n'));

    const ended = await plan('list.txt', '--limit', '1');
    const told = await plan('list.txt', '--limit', '1', '--json');

    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/items +6 \(1 duplicate, 1 invalid, 3 behind the limit\)\n +bytes +1 of unknown size/);
    expect(JSON.parse(told.stdout)).toMatchObject({ items: 6, duplicates: 1, invalid: 1, behindLimit: 3, lanes: 1 });
  });

  it('says how long a list takes that a host serves at a rate, and what the waiting costs', async () => {
    const free = JSON.parse((await plan('https://example.com/{1..2000}', '--json')).stdout);
    const slow = await plan('https://example.com/{1..2000}', '--per-host-rate', '1');
    const told = await plan('https://example.com/{1..2000}', '--per-host-rate', '1', '--json');

    expect(slow.stdout).toMatch(/time +about 33:2\d deployed, as fast as example\.com may be asked\n/);
    const { time, cost } = JSON.parse(told.stdout);
    expect(time).toEqual({ seconds: expect.closeTo(2_000, -1), host: 'example.com' });
    expect(cost.compute).toBeGreaterThan(10 * free.cost.compute);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const env = { TMPDIR: folder };
    const words = ['plan', '-', '--to', 'out'];
    const started = startSkyhaul(words, { cwd: folder, stdin: { open: true }, env });
    started.process.stdin?.write('https://example.com/?signature=secret\n');
    await until(async () => (await readdir(folder)).some((name) => name.startsWith('skyhaul-plan-')));

    started.process.kill('SIGINT');

    expect(await started.ended).toMatchObject({ code: 130, stdout: '' });
    expect(await readdir(folder)).toEqual([]);
  });

  it('says that a list is empty, and that it needs one', async () => {
    await writeFile(join(folder, 'list.txt'), '');

    expect((await plan('list.txt')).stdout).toMatch(/^The list is empty\./);
    const none = await plan('--run', 'r');
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toContain('plan reads a list, and this call names none');
  });
});
