import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { found, readAll } from './lists.ts';

const a = 'https://a.example/1';
const b = 'https://b.example/2';
const csv = (text: string, columns: { urlColumn?: string; keyColumn?: string } = {}) =>
  readAll(text, { name: 'l.csv', ...columns });

describe('the columns of a csv', () => {
  it.each(['url', 'URL', 'Url', 'uri', 'href', 'Link', 'download_url', 'Download URL', 'downloadUrl', ' url '])(
    'the URL is found below %j, others are ignored',
    async (name) => {
      expect((await csv(`Title,${name},note\n"a, b",${a},=1+1`)).map(found)).toEqual([a]);
    },
  );

  it('makes an item of key, id, size and digests; empty cells are as good as none', async () => {
    const lines = await csv(`id,Key,size,md5,url\nn1,my/key,12,${'A'.repeat(32)},${a}\n,,,,${b}`);

    expect(lines).toMatchObject([
      { line: 2, key: 'my/key', item: { url: a, key: 'my/key', id: 'n1', size: 12, md5: 'a'.repeat(32) } },
      { line: 3, key: 'b.example/2', item: { url: b } },
    ]);
    expect(lines[1]).not.toHaveProperty('item.size');
  });

  it.each([
    [`URL,Size,SHA256,MD5,CRC32C,ID,KEY\n${a},12,${'A'.repeat(64)},${'b'.repeat(32)},${'0'.repeat(8)},n1,k`],
    [`Url,size ,SHA-256,Md5,crc32c,Id,Key\n${a},12,${'a'.repeat(64)},${'b'.repeat(32)},${'0'.repeat(8)},n1,k`],
  ])('are found in whatever case they are written: %j', async (text) => {
    const digests = { sha256: 'a'.repeat(64), md5: 'b'.repeat(32), crc32c: '00000000' };

    expect(await csv(text)).toMatchObject([{ key: 'k', item: { url: a, id: 'n1', size: 12, ...digests } }]);
  });

  it('are those written exactly so where others are called the same, else none is taken for another', async () => {
    expect(await csv(`URL,Size,url,size,ID,id\nx,12 MB,${a},5,7,n1`)).toMatchObject([
      { item: { url: a, size: 5, id: 'n1' } },
    ]);
    await expect(csv(`url,Size,SIZE\n${a},1,2`)).rejects.toThrow(
      '2 columns may hold `size`: found `url`, `Size`, `SIZE`',
    );
    await expect(csv(`url,URL,link\n${a},${b},x`)).rejects.toThrow('3 columns may hold the URLs');
  });

  it('takes the columns that were chosen', async () => {
    const text = `url,link,name\nx,${a},k.bin`;

    expect(await csv(text, { urlColumn: 'link', keyColumn: 'name' })).toMatchObject([
      { key: 'k.bin', item: { url: a } },
    ]);
  });

  it.each([
    ['name,size\nx,1', {}, 'no column holds the URLs: found `name`, `size`; choose with --url-column'],
    ['url,href\nx,y', {}, '2 columns may hold the URLs: found `url`, `href`; choose with --url-column'],
    [
      'file name,the link\nx,1',
      {},
      'no column holds the URLs: found `file name`, `the link`; choose with --url-column',
    ],
    ['url\nx', { urlColumn: 'URL' }, 'there is no column `URL` (--url-column): found `url`; did you mean `url`?'],
    [
      'file name,the link\nx,1',
      { urlColumn: 'the_link' },
      'no column `the_link` (--url-column): found `file name`, `the link`; did you mean `the link`?',
    ],
    ['url\nx', { keyColumn: 'name' }, 'there is no column `name` (--key-column): found `url`'],
    ['url,id,id\nx,1,2', {}, '2 columns may hold `id`: found `url`, `id`, `id`; leave one of that name'],
    ['name,name,url\nx,1,2', { keyColumn: 'name' }, '2 columns may hold `name`: found'],
    [
      'file name;link\na;x',
      {},
      'found `file name;link`; it is separated by ";": columns are read with commas, and as tsv with tabs between them',
    ],
    [
      'file name|link\na|x',
      { urlColumn: 'link' },
      'no column `link` (--url-column): found `file name|link`; it is sep',
    ],
    ['name\tlink\na\tx', {}, 'it is separated by tabs: give --format tsv'],
    ['sig=secret,x', {}, 'found `(unreadable name)`, `x`'],
    ['me@secret.example,x', { urlColumn: 'x=secret' }, 'no column `(unreadable name)` (--url-column)'],
    [`${a}?sig=secret,x`, {}, 'the first line must name the columns, not hold a URL'],
    ['', {}, 'it is empty'],
    ['"url', {}, 'its first line, which names the columns, is broken'],
  ])('in %j are refused', async (text, columns, message) => {
    await expect(csv(text, columns)).rejects.toThrow(
      expect.objectContaining({ name: 'ManifestUnreadable', message: expect.stringContaining(message) }),
    );
    await expect(csv(text, columns)).rejects.not.toThrow('secret');
  });
});

describe('the records of a csv', () => {
  it('may span lines inside quotes and are counted by their first line', async () => {
    const lines = await csv(`note,url\r\n"two\r\nlines, and ""quotes""",${a}\r\n\r\nx,${b}\r\n`);

    expect(lines).toMatchObject([{ line: 2 }, { line: 5 }]);
    expect(lines.map(found)).toEqual([a, b]);
  });

  it('with another number of fields are problems, not halves of a URL', async () => {
    const lines = await csv(`url,id\nhttps://a.example/x,y,1\n${a}\n${b},2`);

    expect(lines.map(found)).toEqual([
      'the line has 3 fields, the header 2; quote fields that hold a comma',
      'the line has 1 fields, the header 2; quote fields that hold a comma',
      b,
    ]);
  });

  it('with broken quotes are one problem each and show nothing of the line', async () => {
    const lines = await csv(`url\n"${a}"x?sig=secret\nhttps://a.example/"x"\n${b}\n"${a}`);

    expect(lines.map(found)).toEqual([
      expect.stringContaining('a quote in the line is not closed'),
      expect.stringContaining('a quote in the line is not closed'),
      b,
      expect.stringContaining('a quote in the line is not closed'),
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('with a quote that is not closed say which lines are lost in them', async () => {
    expect((await csv(`url,id\n${a},1\n"${b},2\r\n${a},3\r${a},4`)).map(found)).toEqual([
      a,
      expect.stringMatching(/^a quote in the line is not closed.*; it takes all lines up to 5 with it$/),
    ]);
    const many = `url\n"${`${b}\n`.repeat(10_000)}`;
    expect((await csv(many)).map(found)).toEqual([
      'the line is longer than 64 KiB (or a quote is not closed); it takes all lines up to 10001 with it',
    ]);
    expect((await csv(`url\n"x`)).map(found)).toEqual([expect.stringMatching(/without being doubled$/)]);
  });

  it('L19: formulas are plain data', async () => {
    const lines = await csv(`url,id\n${a},=cmd|'/c calc'!A1\n=HYPERLINK(1),@x`);

    expect(lines[0]).toMatchObject({ item: { id: "=cmd|'/c calc'!A1" } });
    expect(found(lines[1])).toContain('`url`: an absolute http or https URL');
  });

  it('L19: a column named __proto__ is a column like any other', async () => {
    expect(await csv(`__proto__,url\nx,${a}`)).toMatchObject([{ item: { url: a } }]);
    expect({}).not.toHaveProperty('url');
  });

  it('a size that is no number of bytes is refused', async () => {
    const lines = await csv(`url,size\n${a},12 MB\n${a},-1\n${a},007`);

    expect(lines.map(found)).toEqual(['`size`: a number, found "12 MB"', '`size`: a number, found "-1"', a]);
  });

  it('separated by tabs keep their commas', async () => {
    const lines = await readAll(`id\turl\n1\thttps://a.example/x,y`, { name: 'l.tsv.gz' });

    expect(lines.map(found)).toEqual(['https://a.example/x,y']);
  });

  it('come back as they were written, whatever stands in the cells', async () => {
    const cell = fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', '\t', 'ü', '=', 'a', "'"), maxLength: 8 });

    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 8 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.integer({ min: 1, max: 30 }),
        async (rows, end, pieceBytes) => {
          const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
          const text = ['x,url,y', ...rows.map(([x, y], n) => `${quoted(x)},${a}?${n},${quoted(y)}`)].join(end);

          const lines = await readAll(text, { name: 'l.csv', pieceBytes });

          expect(lines.map(found)).toEqual(rows.map((_, n) => `${a}?${n}`));
        },
      ),
    );
  });
});
