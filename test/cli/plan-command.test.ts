import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Origin, startOrigin } from '../support/origin.ts';
import { LOOPBACK, runSkyhaul } from './skyhaul-process.ts';

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

  it('names the lines that are wrong', async () => {
    await writeFile(join(folder, 'list.txt'), 'https://example.com/a\nftp://example.com/b\n');

    const ended = await plan('list.txt');

    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('line 2: ');
  });
});
