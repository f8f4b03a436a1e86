import { EventEmitter } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchStopSignals } from '../../cli/stop-signals.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { LOOPBACK, runSkyhaul, shownCommand, startSkyhaul, until } from './skyhaul-process.ts';

const BYTES = 20_000_000;
let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-stop-'));
  origin = await startOrigin({
    '/small': { body: 'small' },
    '/large': { body: { seed: 1, bytes: BYTES }, stall: { afterBytes: BYTES / 2 } },
  });
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const words = () => ['run', origin.url('/small'), origin.url('/large'), '--run', 'r1', '--to', 'out', ...LOOPBACK];
const fileOf = (path: string) => join(folder, 'out', `127.0.0.1_${origin.port}${path}`);

/** A run whose second item hangs in its middle. */
async function startAndHang() {
  const started = startSkyhaul(words(), { cwd: folder });
  await until(() => origin.requests.some(({ path }) => path === '/large'));
  await until(() => readFile(fileOf('/small')).then(Boolean, () => false));
  return started;
}

async function leftovers(): Promise<string[]> {
  const files = await readdir(join(folder, 'out'), { recursive: true, withFileTypes: true });
  return files.filter((file) => file.isFile() && /\.skyhaul\/tmp/.test(file.parentPath)).map((file) => file.name);
}

describe('a run that is stopped', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s leaves nothing half, says how to go on, and goes on',
    async (signal) => {
      const running = await startAndHang();
      running.process.kill(signal);
      const stopped = await running.ended;
      const half = await leftovers();
      origin.on('/large', { body: { seed: 1, bytes: BYTES } });

      const command = shownCommand(stopped.stderr, 'Continue the run:');
      const continued = await runSkyhaul(command.split(' '), { cwd: folder });

      expect(stopped.code).toBe(130);
      expect(half).toEqual([]);
      expect(command).toBe('run --run r1 --to out --allow-network 127.0.0.1/32');
      expect(continued.code).toBe(0);
      expect((await readFile(fileOf('/large'))).equals(bytesOf(1, BYTES))).toBe(true);
      expect(origin.requests.filter(({ path }) => path === '/small')).toHaveLength(1);
    },
  );

  it('by SIGKILL is taken over at once by the next process, from the same list', async () => {
    const running = await startAndHang();
    running.process.kill('SIGKILL');
    await running.ended;
    origin.on('/large', { body: { seed: 1, bytes: BYTES } });

    const continued = await runSkyhaul(words(), { cwd: folder });

    expect(continued.code).toBe(0);
    expect((await readFile(fileOf('/large'))).equals(bytesOf(1, BYTES))).toBe(true);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'by %s in the middle of a large file goes on with the parts that it had',
    async (signal) => {
      const file = { seed: 1, bytes: BYTES };
      const stall = { stall: { afterBytes: BYTES - 1_000 } };
      origin.on('/large', ranged(file, '"v1"', stall));
      const running = await startAndHang();
      await until(async () => (await leftovers()).includes('2.json'));
      running.process.kill(signal);
      await running.ended;
      origin.on('/large', ranged(file, '"v1"'));

      const continued = await runSkyhaul(['run', '--run', 'r1', '--to', 'out', ...LOOPBACK], { cwd: folder });

      expect(continued.code).toBe(0);
      expect((await readFile(fileOf('/large'))).equals(bytesOf(1, BYTES))).toBe(true);
      const last = origin.requests.at(-1);
      expect(last).toMatchObject({ path: '/large', headers: { range: `bytes=${16 * 1024 * 1024}-` } });
      expect(await leftovers()).toEqual([]);
    },
  );

  it('is given up by `skyhaul stop --to`, which leaves nothing half and reports what there is', async () => {
    origin.on('/large', ranged({ seed: 1, bytes: BYTES }, '"v1"', { stall: { afterBytes: BYTES - 1_000 } }));
    const running = await startAndHang();
    await until(async () => (await leftovers()).length > 0);
    const whileItLives = await runSkyhaul(['stop', 'r1', '--to', 'out'], { cwd: folder });
    running.process.kill('SIGINT');
    await running.ended;
    expect(await leftovers()).not.toEqual([]);

    const stopped = await runSkyhaul(['stop', 'r1', '--to', 'out', '--json'], { cwd: folder });

    expect(whileItLives).toMatchObject({ code: 2, stderr: expect.stringContaining('RunInUse') });
    expect(stopped.code, stopped.stderr).toBe(0);
    expect(JSON.parse(stopped.stdout)).toMatchObject({ run: 'r1', counts: { stored: 1, failed: 1 } });
    // The call did not name the network, the run did.
    expect(stopped.stderr).toContain('redrive r1 --to out --allow-network 127.0.0.1/32');
    expect(await leftovers()).toEqual([]);
  });

  it('is not to be had by another process while it lives', async () => {
    const running = await startAndHang();

    const second = await runSkyhaul(['run', '--run', 'r1', '--to', 'out', ...LOOPBACK], { cwd: folder });
    running.process.kill('SIGINT');
    await running.ended;

    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`RunInUse: run r1 is being worked on by process ${running.process.pid}`);
  });

  it('while it still reads its list has not begun', async () => {
    const started = startSkyhaul(['run', '-', '--to', 'out'], { cwd: folder, stdin: { open: true } });
    let stderr = '';
    started.process.stderr?.on('data', (text: string) => {
      stderr += text;
    });
    await until(() => stderr.includes('Run '));

    started.process.kill('SIGINT');

    expect(await started.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('before the run began') });
  });
});

describe('Ctrl-C', () => {
  function press() {
    const source = new EventEmitter();
    const calls: string[] = [];
    let now = 1_000;
    const off = watchStopSignals(source, {
      onFirst: () => calls.push('stop'),
      onSecond: () => calls.push('leave'),
      now: () => now,
    });
    return { source, calls, off, wait: (ms: number) => (now += ms) };
  }

  it('stops cleanly the first time and leaves at once the second time', () => {
    const { source, calls, wait } = press();

    source.emit('SIGINT');
    wait(1_000);
    source.emit('SIGINT');

    expect(calls).toEqual(['stop', 'leave']);
  });

  it('counts once when a launcher passes on what the terminal has delivered', () => {
    const { source, calls, wait } = press();

    source.emit('SIGINT');
    wait(50);
    source.emit('SIGINT');

    expect(calls).toEqual(['stop']);
  });

  it('is the process’s own again afterwards', () => {
    const { source, calls, off } = press();

    off();
    source.emit('SIGINT');

    expect(calls).toEqual([]);
    expect(source.listenerCount('SIGTERM')).toBe(0);
  });
});
