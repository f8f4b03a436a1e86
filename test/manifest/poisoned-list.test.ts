import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readManifest } from '../../lib/manifest/read-manifest.ts';
import { collect, found, inPieces, readAll } from './lists.ts';

const a = 'https://a.example/1';
const b = 'https://b.example/2';

describe('L19: a poisoned list', () => {
  it('may mix CR, LF and CRLF, begin with a byte order mark and end without a line end', async () => {
    const lines = await readAll(`\u{FEFF}${a}\r\n${b}\r\r\n\n${a}\n\r${b}`, { name: 'l', pieceBytes: 1 });

    expect(lines.map(({ line }) => line)).toEqual([1, 2, 5, 7]);
    expect(lines.map(found)).toEqual([a, b, a, b]);
  });

  it.each(['jsonl', 'txt', 'csv'] as const)('in %s loses only the line that is no UTF-8', async (format) => {
    const line = (url: string) => (format === 'jsonl' ? `{"url":"${url}"}` : url);
    const header = format === 'csv' ? 'url\n' : '';
    const text = Buffer.concat([
      Buffer.from(`${header}${line(a)}\n`),
      Buffer.from([0xc3, 0x28, 0x0a]),
      Buffer.from(line(b)),
    ]);

    const lines = await readAll(text, { name: '-', format, pieceBytes: 3 });

    expect(lines.map(found)).toEqual([a, 'the line is not UTF-8', b]);
  });

  it('in UTF-16 is refused as a whole, with what to do', async () => {
    await expect(readAll(Buffer.from(`\u{FEFF}${a}`, 'utf16le'), { name: 'l' })).rejects.toThrow('save it as UTF-8');
  });

  it('loses only the line that is longer than 64 KiB', async () => {
    const fits = `${a}#${'x'.repeat(65_536 - a.length - 1)}`;

    const lines = await readAll(`${fits}\n${fits}x\n${b}`, { name: 'l', pieceBytes: 1_000 });

    expect(lines.map(found)).toEqual([
      expect.stringContaining('`url`: at most 8192 characters'),
      'the line is longer than 64 KiB',
      b,
    ]);
    expect(lines.map(({ line }) => line)).toEqual([1, 2, 3]);
  });

  it.each(['txt', 'jsonl', 'csv'] as const)('in %s may hold a line of 200 MB, which is not held', async (format) => {
    const megabyte = Buffer.alloc(1_048_576, 'x');
    async function* poison() {
      yield Buffer.from(format === 'csv' ? `url\n"` : '');
      for (let n = 0; n < 200; n += 1) yield megabyte;
      yield Buffer.from(format === 'csv' ? `"\n${b}` : format === 'txt' ? `\n${b}` : `\n{"url":"${b}"}`);
    }
    const before = process.memoryUsage().rss;

    const lines = await collect(readManifest(poison(), { name: '-', format }));

    expect(lines.map(found)).toEqual([expect.stringContaining('longer than 64 KiB'), b]);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1_048_576);
  });

  it('unpacks a gzip bomb without holding it', async () => {
    const bomb = gzipSync(Buffer.alloc(100 * 1_048_576, 'x'));
    const before = process.memoryUsage().rss;

    const lines = await readAll(bomb, { name: 'l.gz' });

    expect(lines.map(found)).toEqual(['the line is longer than 64 KiB']);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1_048_576);
  });

  it('cannot reach prototypes', async () => {
    const text = [
      `{"url":"${a}","__proto__":{"key":"evil"}}`,
      `{"url":"${a}","constructor":{"prototype":{"key":"evil"}}}`,
      `{"url":"${a}","metadata":{"__proto__":"evil"}}`,
      `{"url":"${b}"}`,
    ].join('\n');

    const lines = await readAll(text, { name: 'l.jsonl' });

    expect(lines.map(found)).toEqual([
      'unknown field `__proto__`',
      'unknown field `constructor`',
      'unknown field `__proto__`',
      b,
    ]);
    expect({}).not.toHaveProperty('key');
  });

  it('may be nested a thousand levels deep', async () => {
    const deep = `{"url":"${a}","metadata":${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}}`;

    expect((await readAll(`${deep}\n{"url":"${b}"}`, { name: 'l.jsonl' })).map(found)).toEqual([
      'nested deeper than 32 levels',
      b,
    ]);
  });

  it('may be any bytes at all: every line comes out, or the list is unreadable', async () => {
    const anyBytes = fc.uint8Array({ maxLength: 300 });
    const nearly = fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', 'url', a, '{', '}', '\u0000', 'ü', ' ') });

    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyBytes,
          nearly.map((text) => new Uint8Array(Buffer.from(text))),
        ),
        fc.constantFrom('jsonl', 'txt', 'csv', 'tsv'),
        async (bytes, format) => {
          const lines = await collect(readManifest(inPieces(bytes, 7), { name: '-', format })).catch((error) => {
            expect(error).toMatchObject({ name: 'ManifestUnreadable' });
            return [];
          });
          expect(lines.map(({ index }) => index)).toEqual(lines.map((_, index) => index));
          for (const line of lines) if ('problems' in line) expect(line.problems.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
