import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { foreignList } from '../../lib/manifest/foreign-list.ts';
import { found, readAll } from './lists.ts';

const a = 'https://a.example/1';
const b = 'https://b.example/2';
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const utf16be = (text: string) => utf16(text).swap16();
const utf32 = (text: string) =>
  Buffer.from(Uint32Array.from(text, (character) => character.codePointAt(0) ?? 0).buffer);
const utf32be = (text: string) => utf32(text).swap32();

describe('a file that is no list', () => {
  it.each([
    ['UTF-16 with a mark', utf16(`\u{FEFF}${a}`), 'the list is UTF-16 (LE) text; save it as UTF-8'],
    ['UTF-16 with a mark, the other way round', utf16be(`\u{FEFF}${a}`), 'UTF-16 (BE)'],
    ['UTF-16 without one', utf16(a), 'UTF-16 (LE)'],
    ['UTF-16 without one, the other way round', utf16be(a), 'UTF-16 (BE)'],
    ['UTF-32', utf32(`\u{FEFF}${a}`), 'UTF-32 (LE)'],
    ['UTF-32, the other way round', utf32be(`\u{FEFF}${a}`), 'UTF-32 (BE)'],
    ['packed UTF-16', gzipSync(utf16(`\u{FEFF}${a}`)), 'UTF-16 (LE)'],
    ['gzip within gzip', gzipSync(gzipSync(a)), 'the list is packed twice, with gzip inside; unpack it once'],
    ['zstd within gzip', gzipSync(zstdCompressSync(a)), 'packed twice, with zstd inside'],
    ['gzip within zstd', zstdCompressSync(gzipSync(a)), 'packed twice, with gzip inside'],
    ['an Excel workbook', Buffer.from('PK\u0003\u0004\u0014\u0000'), 'a zip archive (an Excel workbook is one, too)'],
    ['bzip2', Buffer.from('BZh91AY&SY'), 'packed with bzip2'],
    ['xz', Buffer.from('\u00fd7zXZ\u0000', 'latin1'), 'packed with xz'],
    ['a page', Buffer.from(`\n <!DOCTYPE html>\n<a href="${a}">`), 'a page of HTML or XML; perhaps a server sent'],
    ['a page with a mark', Buffer.from('\u{FEFF}<html lang="en">'), 'a page of HTML or XML'],
    ['an error of S3', Buffer.from('<?xml version="1.0"?><Error>'), 'a page of HTML or XML'],
    ['a packed page', gzipSync('<HTML>'), 'a page of HTML or XML'],
  ])('%s is called by its name, and what to do', async (_, bytes, message) => {
    for (const name of ['l.txt', 'l.csv', 'l.jsonl', '-']) {
      for (const pieceBytes of [1, 65_536]) {
        await expect(readAll(bytes, { name, pieceBytes })).rejects.toThrow(
          expect.objectContaining({ name: 'ManifestUnreadable', message: expect.stringContaining(message) }),
        );
      }
    }
  });

  it.each(['', 'u', 'BZ', 'BZh9', '<', '<html5>', 'PK', 'url', a, '# <html>', '{"url":"x"}', '\u{FEFF}url\n'])(
    '%j may be one',
    (text) => {
      expect(foreignList(Buffer.from(text))).toBeUndefined();
    },
  );

  it('with nothing to be known by names the line and what is wrong', async () => {
    const lines = await readAll(Buffer.concat([brotliCompressSync(a), Buffer.from(`\n${b}`)]), { name: 'l.txt' });

    expect(found(lines.at(-1))).toBe(b);
    for (const line of lines.slice(0, -1)) expect(found(line)).toMatch(/not UTF-8|control characters|an absolute http/);
  });
});

describe('a line that is no line of a list', () => {
  it('with zeros in it is named, and no other one is lost', async () => {
    expect((await readAll(`${a}\n${a}\u0000\n\u0000\n${b}`, { name: 'l.txt' })).map(found)).toEqual([
      a,
      expect.stringContaining('no control characters'),
      expect.stringContaining('`url`'),
      b,
    ]);
  });

  it.each([
    ['l.txt', [expect.stringContaining('longer than 64 KiB')]],
    ['l.jsonl', [expect.stringContaining('longer than 64 KiB')]],
  ])('that is all of %s and never ends is one problem', async (name, problems) => {
    expect((await readAll('x'.repeat(200_000), { name })).map(found)).toEqual(problems);
  });

  it('that should name the columns and never ends says so', async () => {
    await expect(readAll('x'.repeat(200_000), { name: 'l.csv' })).rejects.toThrow(
      'its first line, which names the columns, is broken: the line is longer than 64 KiB',
    );
    await expect(readAll(Buffer.from([0x75, 0xff, 0x0a]), { name: 'l.csv' })).rejects.toThrow('the line is not UTF-8');
  });

  it('ends at a CR alone, in every format', async () => {
    expect((await readAll(`${a}\r# x\r\r${b}`, { name: 'l.txt' })).map(found)).toEqual([a, b]);
    expect((await readAll(`url,id\r${a},1\r${b},2\r`, { name: 'l.csv' })).map(found)).toEqual([a, b]);
    expect((await readAll(`{"url":"${a}"}\r{"url":"${b}"}`, { name: 'l.jsonl' })).map(found)).toEqual([a, b]);
    expect((await readAll(`TsvHttpData-1.0\r${a}\r${b}\t5`, { name: 'l.tsv' })).map(found)).toEqual([a, b]);
  });
});
