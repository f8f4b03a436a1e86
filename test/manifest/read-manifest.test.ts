import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { readInlineItems, readManifest } from '../../lib/manifest/read-manifest.ts';
import { collect, found, readAll } from './lists.ts';

const a = 'https://a.example/1';
const b = 'https://b.example/2';

describe('a list of plain URLs', () => {
  it('ignores blank lines and comments, and counts physical lines', async () => {
    const lines = await readAll(`# my list\n\n  ${a}\t\n   # more\n${b}#part`, { name: 'list.txt' });

    expect(lines).toEqual([
      { index: 0, line: 3, item: { url: a }, key: 'a.example/1' },
      { index: 1, line: 5, item: { url: b }, key: 'b.example/2' },
    ]);
  });

  it('keeps the query and normalises what stands there', async () => {
    const [line] = await readAll('HTTPS://A.example:443/x y?sig=a%2Fb&c', { name: '-' });

    expect(line).toMatchObject({ item: { url: 'https://a.example/x%20y?sig=a%2Fb&c' } });
  });

  it.each([
    ['ftp://a.example/1', '`url`: an http or https URL, found ftp://a.example/1'],
    ['a.example/1', '`url`: an absolute http or https URL, found (not a URL)'],
    ['http://', '`url`: an absolute http or https URL, found (not a URL)'],
    ['https://a.example/1  # the first one', 'a comment stands in a line of its own'],
    ['https://a.example/1 https://a.example/2', 'the line holds more than one URL; write one a line'],
    ['https://a.example/1\tHTTP://a.example/2', 'the line holds more than one URL; write one a line'],
    ['https://me:pw@a.example/1?s=pw', '`, found https://a.example/1?…'],
    ['https://me:pw@a.example/1?s=pw', '`url`: no user info; send it as `headers: {'],
    ['https://a.example/\u0000x', '`url`: no control characters, found https://a.example/%00x'],
    [`https://a.example/${'ü'.repeat(2_000)}`, '`url`: at most 8192 bytes, found https://a.example/%C3'],
  ])('refuses %j', async (text, problem) => {
    const [line] = await readAll(text, { name: 'list' });

    expect(found(line)).toContain(problem);
    expect(found(line)).not.toContain('pw');
    expect(line).toMatchObject({ problems: [{ field: 'url', error: 'UrlRefused' }] });
  });
});

describe('a list of JSON lines', () => {
  it('reads every field and derives a key only where none is given', async () => {
    const text = JSON.stringify({ url: a, key: 'k', id: 'one', size: 3, sha256: 'A'.repeat(64) });

    expect(await readAll(`${text}\n\n{"url":"${b}"}`, { name: 's3://bucket/list.JSONL' })).toEqual([
      { index: 0, line: 1, item: { url: a, key: 'k', id: 'one', size: 3, sha256: 'a'.repeat(64) }, key: 'k' },
      { index: 1, line: 3, item: { url: b }, key: 'b.example/2' },
    ]);
  });

  it.each([
    [`{"url":"${a}","sise":1}`, 'unknown field `sise`; did you mean `size`?'],
    [`{"url":"${a}","key":"../x"}`, '`key`: no part `.` or `..`, percent-encoded neither, found "../x"'],
    [`"${a}"`, 'an object, found a text'],
    ['{"url":', 'the line is not JSON'],
    [a, 'the line is not JSON; for a list of plain URLs give --format txt'],
    ['[', 'the line is not JSON; write one object a line, not a list over several lines'],
  ])('refuses %s', async (text, problem) => {
    const lines = await readAll(`${text}\n{"url":"${b}"}`, { name: 'l.ndjson' });

    expect(lines.map(found)).toEqual([problem, b]);
  });

  it('names id and URL of a bad line as far as they can be shown', async () => {
    const [line] = await readAll(`{"url":"${a}?token=x","id":"7","size":-1}`, { name: 'l.jsonl' });

    expect(line).toMatchObject({ index: 0, line: 1, id: '7', url: `${a}?…` });
  });

  it('takes a failed list of an earlier run, and forgets why it failed', async () => {
    const [line] = await readAll(`{"url":"${a}","error":{"name":"NotFound"}}`, { name: 'failed.jsonl' });

    expect(line).toMatchObject({ item: { url: a } });
    expect(line).not.toHaveProperty('item.error');
  });
});

describe('every format', () => {
  it.each(['l.txt', 'l.list', 'l.jsonl', 'l.ndjson', 'l.csv', 'l.tsv', 'L.TXT.GZ', 'dir.x/list', '-'])(
    'is told by the name %s',
    async (name) => {
      const text =
        name.endsWith('n') || name.endsWith('jsonl') ? `{"url":"${a}"}` : /[ct]sv/.test(name) ? `url\n${a}` : a;

      expect((await readAll(text, { name })).map(found)).toEqual([a]);
    },
  );

  it('is told by the option where the name says something else', async () => {
    expect((await readAll(`{"url":"${a}"}`, { name: 'l.csv', format: 'jsonl' })).map(found)).toEqual([a]);
  });

  it('is not guessed from an unknown name', async () => {
    await expect(readAll(a, { name: 'list.xlsx' })).rejects.toThrow(
      expect.objectContaining({ name: 'ManifestUnreadable', message: expect.stringContaining('--format') }),
    );
  });

  it('but csv and tsv refuses a choice of columns', async () => {
    await expect(readAll(a, { name: 'l.txt', urlColumn: 'x' })).rejects.toMatchObject({ name: 'ManifestUnreadable' });
  });

  it.each([
    ['jsonl', `{"url":"${a}"}`],
    ['csv', `name,url\nx,${a}`],
    ['tsv', `name\turl\nx\t${a}`],
    ['txt', `# mine\n${a}`],
  ])('is told by its content where its name says nothing (%s)', async (_, text) => {
    expect((await readAll(`\u{FEFF}${text}`, { name: 'list', pieceBytes: 2 })).map(found)).toEqual([a]);
  });

  it('passes on what its source throws, through gzip too', async () => {
    const failure = new SkyhaulError('StoreUnavailable', 'gone');
    const packed = gzipSync(`${a}\n${b}\n`);
    async function* failing(bytes: Uint8Array) {
      yield bytes;
      throw failure;
    }

    for (const bytes of [Buffer.from(`${a}\n`), packed.subarray(0, 15)]) {
      await expect(collect(readManifest(failing(bytes), { name: 'l' }))).rejects.toBe(failure);
    }
  });

  it.each([['plain', (text: string) => Buffer.from(text)] as const, ['gzip', gzipSync] as const])(
    'closes its source when nobody reads on (%s)',
    async (_, encode) => {
      let isClosed = false;
      async function* source() {
        try {
          for (;;) yield encode(`${a}\n`);
        } finally {
          isClosed = true;
        }
      }

      const read = readManifest(source(), { name: 'l' });
      const first = await read.next();
      await read.return();

      expect(first.value).toMatchObject({ line: 1 });
      expect(isClosed).toBe(true);
    },
  );

  it('comes out the same however its bytes are cut', async () => {
    const text = `\u{FEFF}url,key\r\n"${a}","ü\r\n"\n\n${b},"a""b"\r${a},c`;
    const whole = await readAll(text, { name: 'l.csv' });

    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 80 }), async (pieceBytes) => {
        expect(await readAll(text, { name: 'l.csv', pieceBytes })).toEqual(whole);
      }),
    );
    expect(whole.map(({ line }) => line)).toEqual([2, 5, 6]);
  });
});

describe('limits', () => {
  it.each([
    [{ url: `${a}/${'x'.repeat(8_192)}` }, '`url`: at most 8192 characters, found https://a.example/1/x'],
    [
      { url: a, headers: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`h${n}`, 'x'])) },
      'at most 32 headers',
    ],
    [{ url: a, headers: { x: 'x'.repeat(8_192) } }, 'at most 8192 bytes of headers'],
    [{ url: a, id: 'x'.repeat(257) }, '`id`: at most 256 characters'],
    [{ url: a, body: 'x'.repeat(49_153) }, '`body`'],
  ])('are named where a line exceeds them (%#), in a short message', async (line, problem) => {
    const [read] = await readAll(JSON.stringify(line), { name: 'l.jsonl' });

    expect(found(read)).toContain(problem);
    expect(found(read)?.length).toBeLessThan(300);
  });

  it('lines past maxItems are problems of their own name', async () => {
    const lines = await readAll(`${a}\n${b}`, { name: 'l' }, { maxItems: 1 });

    expect(lines).toMatchObject([{ item: { url: a } }, { index: 1, line: 2, problems: [{ error: 'LimitReached' }] }]);
  });

  it('keys fit into what the destination leaves for them', async () => {
    const [given, derived] = await readAll(
      `{"url":"${a}","key":"${'k'.repeat(101)}"}\n{"url":"${a}${'0'.repeat(200)}"}`,
      { name: 'l.jsonl' },
      { maxKeyBytes: 100 },
    );

    expect(given).toMatchObject({ problems: [{ field: 'key', error: 'KeyRefused' }] });
    expect(derived && 'key' in derived && derived.key).toHaveLength(100);
  });
});

describe('inline items', () => {
  it('are judged like lines and counted from 1', () => {
    const lines = [...readInlineItems([{ url: a }, { url: 'x' }, 7])];

    expect(lines).toMatchObject([
      { index: 0, line: 1, item: { url: a }, key: 'a.example/1' },
      { index: 1, line: 2, problems: [{ field: 'url' }] },
      { index: 2, line: 3, problems: [{ text: 'an object, found 7' }] },
    ]);
  });
});
