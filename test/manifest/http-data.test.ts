import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { found, readAll } from './lists.ts';

const a = 'https://a.example/1';
const b = 'https://b.example/2';
const md5 = createHash('md5').update('x').digest();

describe('a list in TsvHttpData-1.0', () => {
  it('gives URL, size and MD5, the last two where they stand there', async () => {
    const text = `TsvHttpData-1.0\r\n${b}?q\t1357\t${md5.toString('base64')}\r\n\n${a}\t12\n${a}x\n${a}y\t\t${md5.toString('base64')}\t`;

    expect(await readAll(text.slice(0, -1), { name: 'l.tsv' })).toEqual([
      { index: 0, line: 2, item: { url: `${b}?q`, size: 1357, md5: md5.toString('hex') }, key: expect.any(String) },
      { index: 1, line: 4, item: { url: a, size: 12 }, key: 'a.example/1' },
      { index: 2, line: 5, item: { url: `${a}x` }, key: 'a.example/1x' },
      { index: 3, line: 6, item: { url: `${a}y`, md5: md5.toString('hex') }, key: 'a.example/1y' },
    ]);
  });

  it.each(['l.tsv', 'l.txt', 'l.csv', 'list', '-'])('says so itself, also when it is called %s', async (name) => {
    expect((await readAll(`TsvHttpData-1.0 \n${a}\t1`, { name, pieceBytes: 3 })).map(found)).toEqual([a]);
  });

  it.each([
    [`${a}\tbig`, 'the size of the line is no number of bytes'],
    [`${a}\t-1`, 'the size of the line is no number of bytes'],
    [`${a}\t1\t${md5.toString('hex')}`, 'the MD5 of the line is not 16 bytes in base64'],
    [`${a}\t1\t${'-'.repeat(22)}==`, 'the MD5 of the line is not 16 bytes in base64'],
    [`${a}\t1\t\t`, 'the line has 4 fields; TsvHttpData-1.0 has three: URL, size and MD5'],
    [`"${a}\t1`, '`url`: an absolute http or https URL, found (not a URL)'],
    ['# no comment', '`url`: an absolute http or https URL, found (not a URL)'],
  ])('refuses the line %j, and no other', async (line, problem) => {
    const lines = await readAll(`TsvHttpData-1.0\n${line}\n${b}`, { name: 'l.tsv' });

    expect(lines.map(found)).toEqual([problem, b]);
  });

  it('has no columns to choose', async () => {
    const reading = readAll(`TsvHttpData-1.0\n${a}`, { name: 'l.tsv', urlColumn: 'url' });

    await expect(reading).rejects.toMatchObject({ name: 'ManifestUnreadable' });
  });

  it('may hold nothing', async () => {
    expect(await readAll('TsvHttpData-1.0', { name: 'l.tsv' })).toEqual([]);
  });
});
