import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuseCopy, refuseOldNode } from '../../cli/check-node.mjs';
import { isAlive } from '../../cli/is-alive.ts';
import { continueCommand, retryCommand } from '../../cli/next-command.ts';
import { newRunId } from '../../cli/run-id.ts';
import { quoteCommand } from '../../cli/shell-quote.ts';
import { formatBytes, formatClock, formatDuration, parseBytes, parseDuration } from '../../cli/units.ts';
import { runId } from '../../lib/contract/batch-input.ts';
import { guessFormat } from '../../lib/manifest/guess-format.ts';
import { startProcess } from './skyhaul-process.ts';

describe('run ids', () => {
  it('are the UTC time and four random characters', () => {
    expect(newRunId(Date.UTC(2026, 10, 24, 8, 15), () => 0)).toBe('20261124-081500-aaaa');
  });

  it('fit the contract whatever chance says', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        return runId.safeParse(newRunId(0, () => chance)).success;
      }),
    );
  });
});

describe('commands to paste', () => {
  it('mean exactly their words to a shell', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 0 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (words) => {
        const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${quoteCommand(['x', ...words])}`], {
          encoding: 'utf8',
        });
        expect(printed.split('\0').slice(0, -1)).toEqual(['x', ...words]);
      }),
      { numRuns: 40 },
    );
  });

  it('continue a run where it is, with what it may reach', () => {
    const call = { to: "./it's here", allowNetworks: ['127.0.0.1/32'], endpoint: 'http://127.0.0.1:9000' };

    expect(continueCommand('r1', call)).toBe(
      `npx skyhaul run --run r1 --to './it'\\''s here' --allow-network 127.0.0.1/32 --endpoint http://127.0.0.1:9000`,
    );
  });

  it('never let a path be read as a flag', () => {
    expect(retryCommand('r1', { to: '-out', allowNetworks: [] })).toBe('npx skyhaul redrive r1 --to ./-out');
  });
});

describe('units', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
  ])('%i bytes read %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    ['0', 0],
    ['5 MiB', 5 * 1024 ** 2],
    ['1.5KiB', 1536],
    ['5MB', undefined],
    ['-1', undefined],
    ['99999TiB', undefined],
  ])('%s is %s bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each([
    ['500ms', 500],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['30', undefined],
  ])('%s is %s ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it('writes times as they are read', () => {
    expect([1, 1_500, 90_000, 72 * 3_600_000].map(formatDuration)).toEqual(['1ms', '1500ms', '90s', '72h']);
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
  });

  it.each([
    [7.9, '0:07'],
    [3_729, '1:02:09'],
  ])('%d seconds read %s', (seconds, text) => {
    expect(formatClock(seconds)).toBe(text);
  });
});

describe('the format of a list without a name', () => {
  it.each([
    ['\ufeff{"url":"http://a/"}\n', 'jsonl'],
    ['# my list\nhttp://a/x,y\n', 'txt'],
    ['http://a/x,y\n', 'txt'],
    ['name,url\na,http://a/\n', 'csv'],
    ['name\turl\r\n', 'tsv'],
    ['', 'txt'],
  ])('%j is %s', (text, format) => {
    expect(guessFormat(new TextEncoder().encode(text))).toBe(format);
  });
});

describe('whether the holder of a run lives', () => {
  const machine = { host: 'here', pid: 7, now: 1_000_000, hasProcess: (pid: number) => pid === 8 };
  const owner = { execution: 'e', host: 'here', pid: 8 };

  it('is dead at once when its process on this machine is gone', () => {
    expect(isAlive({ ...owner, pid: 9 }, machine.now, machine)).toBe(false);
  });

  it('is alive while its process is there and beats', () => {
    expect(isAlive(owner, machine.now - 60_000, machine)).toBe(true);
  });

  it('is dead when its process id belongs to somebody who never beats, or to us', () => {
    expect(isAlive(owner, machine.now - 900_000, machine)).toBe(false);
    expect(isAlive({ ...owner, pid: 7 }, machine.now, machine)).toBe(false);
  });

  it('is judged by its beats alone on another machine', () => {
    expect(isAlive({ ...owner, host: 'there', pid: 9 }, machine.now - 60_000, machine)).toBe(true);
    expect(isAlive({ ...owner, host: 'there', pid: 8 }, machine.now - 180_000, machine)).toBe(false);
  });
});

describe('the Node that runs it', () => {
  it.each(['18.19.0', '20.20.2', '22.18.0', '23.5.0'])('%s is refused with what to call instead', (version) => {
    expect(refuseOldNode(version, ['npx skyhaul …'])).toMatch(
      /Node [\d.]+; Skyhaul needs Node 22\.19.*brings its own Node 24.*npx skyhaul …/s,
    );
  });

  it.each(['22.19.0', '23.6.0', '24.21.0', '30.0.0'])('%s is accepted', (version) => {
    expect(refuseOldNode(version, [])).toBeUndefined();
  });

  it('does not run a copy in node_modules, which is said instead of a stack', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skyhaul-copy-'));
    const copy = join(folder, 'node_modules/skyhaul');
    await cp('cli', join(copy, 'cli'), { recursive: true });

    const ended = await startProcess(process.execPath, [join(copy, 'cli/skyhaul.mjs'), '--version'], { cwd: folder })
      .ended;
    await rm(folder, { recursive: true });

    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^skyhaul: this copy lies in node_modules.*\n.*`npm install <that folder>`.*\n$/);
    expect(refuseCopy(import.meta.url)).toBeUndefined();
  });
});
