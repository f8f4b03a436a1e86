import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { summary as summarySchema } from '../../lib/contract/summary.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { ENTRY, LOOPBACK, runSkyhaul, shownCommand, startProcess } from './skyhaul-process.ts';

let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-run-'));
  origin = await startOrigin({ '/a.txt': { body: 'alpha' }, '/b.txt': { body: 'beta' } });
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (words: string[], stdin?: string | Uint8Array) =>
  runSkyhaul(['run', ...words, '--to', 'out', ...LOOPBACK], { cwd: folder, stdin });
const stored = (key: string) => readFile(join(folder, 'out', key), 'utf8');
const storedByDefault = (path: string) => stored(`127.0.0.1_${origin.port}${path}`);

async function report(runId: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(folder, 'out/.skyhaul/runs', runId, 'report.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('skyhaul run takes', () => {
  it('URLs, and says nothing on stdout', async () => {
    const ended = await run([origin.url('/a.txt'), origin.url('/b.txt')]);

    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(await storedByDefault('/a.txt')).toBe('alpha');
    expect(await storedByDefault('/b.txt')).toBe('beta');
  });

  it('no more shards at once than one machine works on, and says so', async () => {
    const words = ['run', origin.url('/a.txt'), '--to', 'out', ...LOOPBACK, '--max-concurrency'];
    const more = await runSkyhaul([...words, '41'], { cwd: folder });
    const most = await runSkyhaul([...words, '40'], { cwd: folder });

    expect(more).toMatchObject({ code: 0, stdout: '' });
    expect(more.stderr).toContain('On one machine at most 40 shards are worked on at once, not 41\n');
    expect(most.stderr).not.toContain('On one machine');
  });

  it('a text file with comments', async () => {
    await writeFile(join(folder, 'my list.txt'), `# mine\n\n${origin.url('/a.txt')}\r\n`);

    expect((await run(['my list.txt'])).code).toBe(0);
    expect(await storedByDefault('/a.txt')).toBe('alpha');
  });

  it('a CSV with named columns', async () => {
    await writeFile(join(folder, 'list.csv'), `who,where,what\nx,"${origin.url('/a.txt')}",named.txt\n`);

    expect((await run(['list.csv', '--url-column', 'where', '--key-column', 'what'])).code).toBe(0);
    expect(await stored('named.txt')).toBe('alpha');
  });

  it('JSON Lines by a name that does not say so', async () => {
    await writeFile(join(folder, 'list.data'), JSON.stringify({ url: origin.url('/b.txt'), key: 'b' }));

    expect((await run(['list.data', '--format', 'jsonl'])).code).toBe(0);
    expect(await stored('b')).toBe('beta');
  });

  it('standard input, whose format it finds out', async () => {
    const ended = await run(['-'], `{"url":"${origin.url('/a.txt')}","key":"a"}\n`);

    expect(ended.code).toBe(0);
    expect(await stored('a')).toBe('alpha');
  });

  it('a pattern of URLs, and says first how many they are', async () => {
    const ended = await run([origin.url('/{a,b,c}.txt'), '--key', '{item:2}{ext}']);

    expect(ended.code).toBe(3);
    expect(ended.stderr).toMatch(/^Run \S+: 3 URLs to /);
    expect([await stored('01.txt'), await stored('02.txt')]).toEqual(['alpha', 'beta']);
  });

  it('compressed standard input, whose format it finds out', async () => {
    const ended = await run(['-'], gzipSync(`url,key\n${origin.url('/a.txt')},a\n`));

    expect(ended.code).toBe(0);
    expect(await stored('a')).toBe('alpha');
  });

  it('what a shell substitutes for a process', async () => {
    const command = `'${process.execPath}' '${ENTRY}' run <(echo '${origin.url('/a.txt')}') --to out ${LOOPBACK.join(' ')}`;

    const ended = await startProcess('bash', ['-c', command], { cwd: folder }).ended;

    expect(ended).toMatchObject({ code: 0 });
    expect(await storedByDefault('/a.txt')).toBe('alpha');
  });

  it('headers for every request, and keeps them out of everything but the sealed state', async () => {
    const url = `${origin.url('/a.txt')}?signature=canary-query`;

    const ended = await run([url, origin.url('/missing'), '--run', 'r1', '-H', 'X-Token: canary-header', '--json']);

    expect(ended.code).toBe(3);
    expect(origin.requests.map(({ headers }) => headers['x-token'])).toEqual(['canary-header', 'canary-header']);
    expect(ended.stdout + ended.stderr).not.toContain('canary');
    const leaks: string[] = [];
    for (const entry of await readdir(join(folder, 'out'), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !(await readFile(path, 'utf8')).includes('canary')) continue;
      if (((await stat(path)).mode & 0o077) !== 0) leaks.push(path);
    }
    expect(leaks).toEqual([]);
  });
});

describe('skyhaul run --json', () => {
  it('writes events, one JSON object a line, and the summary last', async () => {
    const ended = await run([origin.url('/a.txt'), '--json', '--quiet']);

    const lines = ended.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(lines.slice(0, -1).map(({ event }) => event)).toEqual(
      expect.arrayContaining(['run.planned', 'item.started', 'item.ended', 'run.reported']),
    );
    expect(summarySchema.parse(lines.at(-1)).counts).toEqual({ stored: 1, skipped: 0, failed: 0 });
  });

  it('goes on when nobody reads any more', async () => {
    const urls = `${origin.url('/a.txt')} ${origin.url('/b.txt')}`;
    const command = `'${process.execPath}' '${ENTRY}' run ${urls} --to out --json ${LOOPBACK.join(' ')} | true`;

    await startProcess('bash', ['-c', command], { cwd: folder }).ended;

    expect(await storedByDefault('/b.txt')).toBe('beta');
  });
});

describe('skyhaul run ends with', () => {
  it('3 when an item failed, and shows the command that runs the failed lines again', async () => {
    const first = await run([origin.url('/a.txt'), origin.url('/late.txt')]);
    origin.on('/late.txt', { body: 'late' });

    const again = shownCommand(first.stderr, 'Run the failed lines again:');
    const second = await runSkyhaul(again.split(' '), { cwd: folder });

    expect(first.code).toBe(3);
    expect(first.stderr).toMatch(/1 x NotFound \(404\)\n\s+Correct the URL.*\n\s+line 2 .*\/late\.txt answered 404\n/);
    expect(second.code).toBe(0);
    expect(await storedByDefault('/late.txt')).toBe('late');
  });

  it('0 when everything is there already', async () => {
    origin.on('/a.txt', ({ headers }) =>
      headers['if-none-match'] === '"1"' ? { status: 304 } : { body: 'alpha', headers: { ETag: '"1"' } },
    );
    await run([origin.url('/a.txt')]);

    const ended = await run([origin.url('/a.txt'), '--run', 'second']);

    expect(ended.code).toBe(0);
    expect(await report('second')).toMatchObject([{ outcome: 'skipped', reason: 'unchanged' }]);
  });

  it('2 and every bad line when the list is not valid, without asking any host', async () => {
    const bad = Array.from({ length: 60 }, (_, index) => `ftp://h/${index}`);

    const ended = await run(['-'], `${origin.url('/a.txt')}\n${bad.join('\n')}\n`);

    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('skyhaul: ManifestInvalid:');
    expect(ended.stderr.match(/^ {2}- /gm)).toHaveLength(50);
    expect(ended.stderr).toContain('and 10 more\n  Correct them, or give --skip-invalid.');
    expect(origin.requests).toEqual([]);
  });

  it('2 when a run that has a name is given another list, and never with the report of the first one', async () => {
    const list = join(folder, 'nightly.txt');
    await writeFile(list, `${origin.url('/a.txt')}\n`);
    await run([list, '--run', 'nightly']);
    const again = await run([list, '--run', 'nightly']);
    await writeFile(list, `${origin.url('/b.txt')}\n${origin.url('/a.txt')}\n`);

    const ended = await run([list, '--run', 'nightly']);

    expect(again.code).toBe(0);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('RunInputDiffers: run nightly was started with another version of');
  });

  it('3 when bad lines are to be skipped, and stores the others', async () => {
    const ended = await run(['-', '--skip-invalid', '--run', 'r1'], `${origin.url('/a.txt')}\nftp://h/x\n`);

    expect(ended.code).toBe(3);
    expect((await report('r1')).map(({ outcome }) => outcome)).toEqual(['stored', 'failed']);
  });

  it.each([
    [['run'], 'give a list'],
    [['run', 'list.txt'], '--to: say where to'],
    [['run', 'list.txt', '--to', 'out', '--limit', 'ten'], '--limit: must be a whole number, found "ten"'],
    [['run', 'list.txt', '--to', 'out', '--overwrite', 'sometimes'], 'Allowed choices are never, if-changed, always'],
    [['run', 'list.txt', '--to', 'out', '--no-such-flag'], "unknown option '--no-such-flag'"],
    [['run', 'missing.txt', '--to', 'out'], 'missing.txt: there is no such file'],
    [['run', 'a.example/b.zip', '--to', 'out'], 'there is no such file; a URL begins with https:// or http://'],
    [['list.txt'], 'A list, or URLs: `skyhaul run <list> --to <destination>`.'],
    [['rnu'], '(Did you mean run?)'],
    [['run', '--run', 'unknown', '--to', 'out'], 'there is no run unknown'],
    [['run', 'a.txt', 'http://h/', '--to', 'out'], 'give URLs or one list, not both'],
    [['fly'], "unknown command 'fly'"],
  ])('2 when it is called as %j', async (words, message) => {
    const ended = await runSkyhaul(words, { cwd: folder });

    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/\n\s+at /);
  });

  it('4 when the destination cannot be written to', async () => {
    await mkdir(join(folder, 'out'));
    await writeFile(join(folder, 'out', '.skyhaul'), 'somebody put a file here');

    const ended = await run([origin.url('/a.txt')]);

    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/^skyhaul: \w+: .*\.skyhaul/m);
  });

  it('3 and AddressRefused when a network was not named, and connects to nothing', async () => {
    const ended = await runSkyhaul(['run', origin.url('/a.txt'), '--to', 'out'], { cwd: folder });

    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('AddressRefused');
    expect(origin.connections.total).toBe(0);
  });

  it('2 and a clear message on a Node that is too old', async () => {
    const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;
    const preload = `data:text/javascript,${encodeURIComponent(old)}`;

    const ended = await startProcess(process.execPath, ['--import', preload, ENTRY, 'run'], { cwd: folder }).ended;

    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('this is Node 20.20.2; Skyhaul needs Node 22.19 or newer');
  });

  it('0 and the flags on stdout when it is asked for help', async () => {
    const ended = await runSkyhaul(['run', '--help'], { cwd: folder });

    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('--allow-network <cidr>');
  });
});

it('says that a destination is below a file, before anything starts', async () => {
  await writeFile(join(folder, 'file'), '');

  const ended = await runSkyhaul(['run', origin.url('/a.txt'), '--to', 'file/sub'], { cwd: folder });

  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(`${join(folder, 'file')} is not a directory`);
  expect(origin.requests).toEqual([]);
});

describe('the start of the command', () => {
  it('keeps what Node makes of the sources, below the folder for caches', async () => {
    const caches = join(folder, 'caches');

    const ended = await runSkyhaul(['--version'], { cwd: folder, env: { XDG_CACHE_HOME: caches } });

    expect(ended.code).toBe(0);
    expect((await readdir(join(caches, 'skyhaul'), { recursive: true })).length).toBeGreaterThan(50);
  });

  it('does without such a folder', async () => {
    await writeFile(join(folder, 'file'), '');

    const ended = await runSkyhaul(['--version'], { cwd: folder, env: { XDG_CACHE_HOME: join(folder, 'file') } });

    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });
});
