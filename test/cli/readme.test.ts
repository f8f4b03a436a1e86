import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { item } from '../../lib/contract/item.ts';
import { options } from '../../lib/contract/options.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import {
  needsAws,
  needsLocalStack,
  needsS3,
  PROJECT,
  readmeEnvironment,
  readReadmeCommands,
} from './readme-commands.ts';
import { type Ended, LOOPBACK, startProcess, startSkyhaul, until } from './skyhaul-process.ts';

/** Commands that other lanes of CI run for longer than a test should; `.ci/run` must hold each part of them. */
const RUN_BY_CI = ['npm ci && npm run demo', 'npm ci && npm test'];

const readme = await readFile(join(PROJECT, 'README.md'), 'utf8');
const commands = await readReadmeCommands();
const RUN = '20261124-081500-k3xw';

describe('every command of README.md', () => {
  let folder: string;
  let origin: Origin;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'skyhaul-readme-'));
    env = await readmeEnvironment(folder);
    origin = await startOrigin({
      '/a.zip': { body: 'zip a' },
      '/b.zip': { body: 'zip b' },
      '/list.bin': { body: 'from the list' },
      '/rows.csv.gz': { body: gzipSync('id,country,name\n1,DE,one\n2,FR,two\n') },
      '/slow.bin': { body: 'slow', stall: { afterBytes: 2 } },
    });
    for (let scan = 1; scan <= 20; scan += 1) {
      origin.on(`/scans/${String(scan).padStart(2, '0')}.tif`, { body: `scan ${scan}` });
    }
    const url = origin.url('/list.bin');
    await writeFile(join(folder, 'my-list.txt'), `${url}\n`);
    await writeFile(join(folder, 'exports.txt'), `${origin.url('/rows.csv.gz')}\n`);
    await writeFile(join(folder, 'links.csv'), `link,file name\n${url},from-csv.bin\n`);
    await writeFile(join(folder, 'items.jsonl'), `${JSON.stringify({ url, key: 'from-jsonl.bin' })}\n`);
    await writeFile(join(folder, 'page.html'), `<a href="https://example.com/a.zip">A</a>`);
  });

  afterAll(async () => {
    await origin.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function perform(command: string): Promise<Ended> {
    // The public host of the examples is this machine, also where a command looks for it in a page.
    const local = (text: string) => text.replaceAll(/https:\/\/example\.com/g, origin.url(''));
    const page = join(folder, 'page.html');
    await writeFile(page, local(await readFile(page, 'utf8')));
    const here = local(command).replaceAll('https://', 'http://');
    return startProcess('sh', ['-c', here], { cwd: folder, env }).ended;
  }

  /** What must be there before a command, and how it ends when not with 0. */
  const before: Readonly<Record<string, () => Promise<number>>> = {
    [`npx skyhaul run --run ${RUN} --to ./downloads`]: async () => {
      await interruptRun();
      // One of its files does not come back, so that there is a failed list for the next command.
      origin.on('/slow.bin', { status: 404 });
      return 3;
    },
    [`npx skyhaul redrive ${RUN} --to ./downloads`]: async () => {
      origin.on('/slow.bin', { body: 'slow' });
      return 0;
    },
  };

  async function interruptRun(): Promise<void> {
    const words = ['run', origin.url('/slow.bin'), '--run', RUN, '--to', './downloads', ...LOOPBACK];
    const started = startSkyhaul(words, { cwd: folder });
    await until(() => origin.requests.some(({ path }) => path === '/slow.bin'));
    started.process.kill('SIGINT');
    await started.ended;
  }

  it('is found', () => {
    expect(commands.length).toBeGreaterThan(12);
    expect(commands).toEqual(expect.arrayContaining([...RUN_BY_CI, ...Object.keys(before)]));
  });

  const runElsewhere = [needsS3, needsAws, needsLocalStack];
  it.each(commands.filter((command) => !RUN_BY_CI.includes(command) && !runElsewhere.some((is) => is(command))))(
    'works: %s',
    async (command) => {
      const code = (await before[command]?.()) ?? 0;

      const ended = await perform(command);

      expect(ended, ended.stderr).toMatchObject({ code });
    },
  );

  it('did what it says', async () => {
    const files = [
      'from-csv.bin',
      'from-jsonl.bin',
      `127.0.0.1_${origin.port}/b.zip`,
      `127.0.0.1_${origin.port}/scans/20.tif`,
      `127.0.0.1_${origin.port}/slow.bin`,
    ];

    const found = await Promise.all(files.map((file) => readFile(join(folder, 'downloads', file), 'utf8')));

    expect(found).toEqual(['from the list', 'from the list', 'zip b', 'scan 20', 'slow']);
  });

  it.each(RUN_BY_CI)('that CI runs is in .ci/run and package.json: %s', async (command) => {
    const ci = await readFile(join(PROJECT, '.ci/run'), 'utf8');
    const { scripts } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));

    for (const part of command.split(' && ')) {
      expect(ci).toMatch(new RegExp(`^${part}( |$)`, 'm'));
      const script = /^npm (?:run )?(?!ci$)(\S+)$/.exec(part)?.[1];
      if (script !== undefined) expect(scripts).toHaveProperty(script);
    }
  });

  it('that calls npx finds the bin of this package, and a Node that is new enough', async () => {
    const npx = await promisify(execFile)('npx', ['skyhaul', '--version'], { cwd: PROJECT });

    expect(npx.stdout.trim()).toBe(JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8')).version);
  });
});

describe('the tables of README.md', () => {
  const section = (title: string) => readme.split(new RegExp(`^### ${title}$`, 'm'))[1]?.split(/^##/m)[0] ?? '';
  const rows = (title: string) => [...section(title).matchAll(/^\| (`.*?) \|(.*)$/gm)];
  const names = (text: string) => [...text.matchAll(/`(\w+)`/g)].map(([, name = '']) => name);
  const notYet = (title: string) => section(title).split('Not yet:')[1] ?? '';

  it('name every option, with its default, or say that it is not built yet', () => {
    const built = rows('Options').map(([, name = '']) => names(name)[0] ?? '');

    expect([...built, ...names(notYet('Options'))].sort()).toEqual(Object.keys(options.shape).sort());
    const defaults = options.parse({}) as Record<string, unknown>;
    for (const [, name = '', rest = ''] of rows('Options')) {
      const value = defaults[names(name)[0] ?? ''];
      const shown = rest.split('|')[0]?.trim().replaceAll('`', '');
      if (value !== undefined && shown !== '48.8 TiB') expect([name, shown]).toEqual([name, String(value)]);
    }
  });

  it('name every field of an item', () => {
    const all = new Set([...rows('Items').flatMap(([row]) => names(row)), ...names(notYet('Items'))]);

    // `error` stands in failed lists and is ignored.
    const unnamed = Object.keys(item.shape).filter((field) => field !== 'error' && !all.has(field));
    expect(unnamed).toEqual([]);
  });
});
