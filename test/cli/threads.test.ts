import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Origin, startOrigin } from '../support/origin.ts';
import { LOOPBACK, runSkyhaul, startSkyhaul, until } from './skyhaul-process.ts';

const FILES = 60;
let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-threads-'));
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const files = (scripts: (at: number) => object = () => ({})) =>
  Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`/${at}`, { body: `file ${at}`, ...scripts(at) }]));
const words = ['run', 'list.txt', '--to', 'out', '--key', '{basename}', '--run', 'r', '--threads', '2', ...LOOPBACK];
const writeList = () => writeFile(join(folder, 'list.txt'), `${origin.url('/{0..59}')}\n`);
const storedNames = async () => (await readdir(join(folder, 'out'))).filter((name) => name !== '.skyhaul');
const eventsOf = (stdout: string): Record<string, unknown>[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a run on several threads', () => {
  it('stores, reports and tells what one on a single thread would', async () => {
    origin = await startOrigin(files((at) => (at === 7 ? { status: 404 } : {})));
    await writeList();

    const ended = await runSkyhaul([...words, '--json'], { cwd: folder });

    expect(ended.code).toBe(3);
    expect(await storedNames()).toHaveLength(FILES - 1);
    expect(await readFile(join(folder, 'out/42'), 'utf8')).toBe('file 42');
    const events = eventsOf(ended.stdout);
    expect(events.filter(({ event }) => event === 'attempt.started').length).toBeGreaterThan(1);
    expect(events.filter(({ event }) => event === 'item.ended')).toHaveLength(FILES);
    expect(events.at(-1)).toMatchObject({ counts: { stored: FILES - 1, failed: 1 } });
    expect(ended.stderr).toContain('/7');
  });

  it('asks a host over no more connections than on one', async () => {
    origin = await startOrigin(files());
    await writeList();

    await runSkyhaul([...words, '--per-host-connections', '3'], { cwd: folder });

    expect(await storedNames()).toHaveLength(FILES);
    expect(origin.connections.max).toBeLessThanOrEqual(3);
  });

  it('stops cleanly when it is told to, and goes on afterwards', async () => {
    origin = await startOrigin(files(() => ({ delayMs: 200 })));
    await writeList();
    const started = startSkyhaul(words, { cwd: folder });
    await until(() => origin.requests.length > 8);

    started.process.kill('SIGINT');
    const ended = await started.ended;
    const before = await storedNames();
    const next = await runSkyhaul(['run', '--run', 'r', '--to', 'out', '--threads', '2', ...LOOPBACK], { cwd: folder });

    expect(ended.code).toBe(130);
    expect(before.length).toBeLessThan(FILES);
    expect(next.code).toBe(0);
    expect(await storedNames()).toHaveLength(FILES);
    // What was stored is not fetched again.
    expect(origin.requests.length).toBeLessThanOrEqual(FILES + 2 * 6);
  });

  it('is continued after it was killed, by as many threads or fewer', async () => {
    origin = await startOrigin(files(() => ({ delayMs: 100 })));
    await writeList();
    const next = ['run', '--run', 'r', '--to', 'out', ...LOOPBACK];
    for (const [at, call] of [words, [...next, '--threads', '3']].entries()) {
      const started = startSkyhaul(call, { cwd: folder });
      await until(() => origin.requests.length > 8 + 12 * at);
      started.process.kill('SIGKILL');
      await started.ended;
    }

    const ended = await runSkyhaul(next, { cwd: folder });

    expect(ended.code).toBe(0);
    const texts = await Promise.all((await storedNames()).map((name) => readFile(join(folder, 'out', name), 'utf8')));
    expect(texts.sort()).toEqual(Array.from({ length: FILES }, (_, at) => `file ${at}`).sort());
  });

  it('runs the own code of the user on each of them', async () => {
    origin = await startOrigin(files());
    await writeList();
    // It keeps its thread busy for ever, which is not waited for.
    const own = `import { isMainThread, threadId } from 'node:worker_threads';
      if (!isMainThread) setInterval(() => undefined, 1_000);
      export default async function* (input) { for await (const _ of input); yield Buffer.from(String(threadId)); }`;
    await writeFile(join(folder, 'own.mjs'), own);

    const ended = await runSkyhaul([...words, '--module', 'own.mjs'], { cwd: folder });

    expect(ended.code).toBe(0);
    const names = await storedNames();
    const threads = await Promise.all(names.map((name) => readFile(join(folder, 'out', name), 'utf8')));
    expect(new Set(threads)).toEqual(new Set(['1', '2']));
  });

  it('ends with an error where its threads die', async () => {
    origin = await startOrigin(files());
    await writeList();
    await writeFile(join(folder, 'own.mjs'), 'export default (context) => process.exit(9);');

    const ended = await runSkyhaul([...words, '--module', 'own.mjs'], { cwd: folder });

    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('a thread of the run ended with 9');
    expect(ended.stderr).toContain('Continue the run');
  });
});
