import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../architecture/source-files.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { LOOPBACK, runSkyhaul, shownCommand } from './skyhaul-process.ts';

let folder: string;
let origin: Origin;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skyhaul-module-'));
  origin = await startOrigin({ '/a.txt': { body: 'alpha' }, '/b.txt': { body: 'beta' } });
});

afterEach(async () => {
  await origin.close();
  await rm(folder, { recursive: true, force: true });
});

const run = (...words: string[]) => runSkyhaul(['run', ...words, '--to', 'out', ...LOOPBACK], { cwd: folder });
const stored = (key: string) => readFile(join(folder, 'out', key));
const example = (name: string) => join(root, 'examples/modules', name);

async function listed(...items: object[]): Promise<string> {
  const lines = items.map((item) => JSON.stringify(item));
  await writeFile(join(folder, 'list.jsonl'), `${lines.join('\n')}\n`);
  return 'list.jsonl';
}

async function outcomes(runId: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(folder, 'out/.skyhaul/runs', runId, 'report.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('skyhaul run --module', () => {
  it('runs TypeScript as it is, on every item that names no other transform', async () => {
    await writeFile(
      join(folder, 'mine.mts'),
      `export default async function* (input: AsyncIterable<Uint8Array>, { log }: { log(text: string): void }) {
         for await (const chunk of input) yield new TextEncoder().encode(new TextDecoder().decode(chunk).toUpperCase());
         log('done \\u001b[31m');
       }`,
    );
    const list = await listed(
      { url: origin.url('/a.txt'), key: 'a' },
      { url: origin.url('/b.txt'), key: 'b', transform: ['lines'] },
    );

    const ended = await run(list, '--module', 'mine.mts');

    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(ended.stderr).toContain('line 1: done ·[31m');
    expect(String(await stored('a'))).toBe('ALPHA');
    expect(String(await stored('b'))).toBe('beta\n');
  });

  it('is a step among those of --transform, and the only one without', async () => {
    await writeFile(join(folder, 'mine.mjs'), 'export default () => new TransformStream();');
    const steps = ['--transform', 'module', '--transform', 'gzip'];

    const ended = await run(await listed({ url: origin.url('/a.txt'), key: 'a' }), ...steps, '--module', 'mine.mjs');
    const without = await run('list.jsonl', ...steps);

    expect(ended.code).toBe(0);
    expect(String(gunzipSync(await stored('a')))).toBe('alpha');
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('`module` needs your own code') });
  });

  it('stores no object where the module consumes', async () => {
    const code = `export async function consume(stream) { let n = 0; for await (const c of stream) n += c.length; return { n }; }`;
    await writeFile(join(folder, 'mine.mjs'), code);

    const ended = await run(origin.url('/a.txt'), origin.url('/b.txt'), '--module', './mine.mjs', '--run', 'r');

    expect(ended.code).toBe(0);
    expect(await outcomes('r')).toMatchObject([{ inline: { n: 5 } }, { inline: { n: 4 } }]);
    expect(await readdir(join(folder, 'out'))).toEqual(['.skyhaul']);
  });

  it('goes on although the module throws where nobody waits for it, and shows the module in the next command', async () => {
    await writeFile(
      join(folder, 'mine.mjs'),
      `export default function transform({ key }) {
         if (key === 'a') { setTimeout(() => { throw new Error('my timer'); }, 1); void Promise.reject(new Error('my promise')); }
         return new TransformStream({ transform: (chunk, to) => key === 'a' ? new Promise(() => {}) : to.enqueue(chunk) });
       }`,
    );
    const list = await listed({ url: origin.url('/a.txt'), key: 'a' }, { url: origin.url('/b.txt'), key: 'b' });

    const ended = await run(list, '--module', 'mine.mjs', '--run', 'r');

    expect(ended.code).toBe(3);
    const message = expect.stringMatching(/^module: Error: my promise\n +at transform .*mine\.mjs:2:/);
    expect(await outcomes('r')).toMatchObject([
      { error: 'TransformFailed', message },
      { outcome: 'stored', bytes: 4 },
    ]);
    expect(shownCommand(ended.stderr, 'again')).toContain('--module mine.mjs');
  });

  it.each([
    ['does not exist', undefined, 'no such file'],
    ['throws while it is loaded', 'throw new Error("my start")', 'my start'],
    ['exports nothing to call', 'export const a = 1;', 'found a'],
    ['exports something else', 'export default 7;', '`default` must be a function, found number'],
    ['has what Node cannot take off', 'enum A { B } export default () => A.B;', 'enum'],
  ])('refuses a module that %s, before anything starts', async (_what, code, message) => {
    if (code !== undefined) await writeFile(join(folder, 'mine.mts'), code);

    const ended = await run(origin.url('/a.txt'), '--module', 'mine.mts');

    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('BatchInvalid');
    expect(ended.stderr).toContain(message);
    expect(origin.requests).toEqual([]);
  });
});

it('docs/modules.md begins with a module that does what it says', async () => {
  const page = await readFile(join(root, 'docs/modules.md'), 'utf8');
  await writeFile(join(folder, 'upper-case.ts'), /```ts\n(.*?)```/s.exec(page)?.[1] ?? '');
  const list = await listed({ url: origin.url('/a.txt'), key: 'a' });

  expect((await run(list, '--module', './upper-case.ts')).code).toBe(0);
  expect(String(await stored('a'))).toBe('ALPHA');
});

describe('the example modules', () => {
  it('filter a CSV', async () => {
    origin.on('/sales.csv', { body: '\ufeffname,price,amount\r\n"A, B",2,3\r\nC,1,1\r\nD,10,1\r\n' });
    origin.on('/bad.csv', { body: 'name,price,amount\nE,many,1\n' });
    const transform = [{ name: 'module', options: { least: 6 } }];
    const list = await listed(
      { url: origin.url('/sales.csv'), key: 'sales', transform },
      { url: origin.url('/bad.csv'), key: 'bad', transform },
    );

    const ended = await run(list, '--module', example('filter-csv.ts'), '--run', 'r');

    expect(ended.stderr).toContain('line 1: 2 rows kept');
    expect(String(await stored('sales'))).toBe('name,total\n"A, B",6\nD,10\n');
    expect(await outcomes('r')).toMatchObject([
      { outcome: 'stored' },
      { error: 'TransformFailed', message: expect.stringContaining('no numbers in the row of E: many, 1') },
    ]);
  });

  it('write Parquet from JSON Lines', async () => {
    const rows = Array.from({ length: 25_000 }, (_, id) => ({ id, name: `row ${id}`, ok: id % 2 === 0 }));
    origin.on('/rows.jsonl', { body: `${rows.map((row) => JSON.stringify(row)).join('\n')}\n{"id":-1}\n` });
    origin.on('/bad.jsonl', { body: '{"id":1}\n{"id":\n' });
    const columns = { id: 'INT32', name: 'STRING', ok: 'BOOLEAN' };
    const transform = [{ name: 'module', options: { columns } }];
    const list = await listed(
      { url: origin.url('/rows.jsonl'), key: 'rows.parquet', transform },
      { url: origin.url('/bad.jsonl'), key: 'bad.parquet', transform },
    );

    await run(list, '--module', example('jsonl-to-parquet.ts'), '--run', 'r');

    const file = new Uint8Array(await stored('rows.parquet')).buffer;
    const read = await parquetReadObjects({ file });
    expect(read).toHaveLength(25_001);
    expect(read.slice(0, 25_000)).toEqual(rows);
    expect(read.at(-1)).toEqual({ id: -1, name: null, ok: null });
    expect(await outcomes('r')).toMatchObject([
      { outcome: 'stored' },
      { error: 'TransformFailed', message: expect.stringContaining('line 2 is no JSON') },
    ]);
    await expect(stored('bad.parquet')).rejects.toThrow('ENOENT');
  });
});
