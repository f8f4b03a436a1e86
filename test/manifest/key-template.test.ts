import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeyFacts, readKeyTemplate } from '../../lib/manifest/key-template.ts';
import { checkKey, cleanPart, deriveKey, finishKey } from '../../lib/manifest/object-key.ts';
import { readAll } from './lists.ts';

const STARTED = Date.UTC(2026, 10, 24, 23, 59);
const URL_TEXT = 'https://example.com:8080/a/my%20file.tar.gz?v=2&w=%2F';

function keyOf(template: string, facts: Partial<Omit<KeyFacts, 'url'>> & { readonly url?: string } = {}) {
  const { url = URL_TEXT, ...rest } = facts;
  const made = readKeyTemplate(template, STARTED).keyOf({ line: 7, item: 5, ...rest, url: new URL(url) });
  return made.ok ? made.key : made.problem.text;
}

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const sha256 = digest(URL_TEXT);
const queryHash = digest('v=2&w=%2F').slice(0, 16);

describe('a template of keys', () => {
  it.each([
    ['{host}/{path}', `example.com_8080/a/my file~${queryHash}.tar.gz`],
    ['x/{host}', 'x/example.com_8080'],
    ['{query}', 'v=2&w=%2F'],
    ['{path}/{query}', 'a/my file.tar.gz/v=2&w=%2F'],
    ['{basename}', 'my file.tar.gz'],
    ['{line}{ext}', '7.gz'],
    ['{line:7}', '0000007'],
    ['{item:3}-{line}', '005-7'],
    ['{sha256-of-url}', sha256],
    ['{sha256-of-url:8}{ext}', `${sha256.slice(0, 8)}.gz`],
    ['{date}/x', '2026-11-24/x'],
    ['a b/ü.txt', 'a b/ü.txt'],
  ])('%s makes %s', (template, key) => {
    expect(keyOf(template)).toBe(key);
  });

  it('takes the id and the columns of the line', () => {
    const facts = { id: 'no 1', columns: new Map([['Album Title', 'Low']]) };

    expect(keyOf('{column:Album Title}/{id}', facts)).toBe('Low/no 1');
    expect(readKeyTemplate('{column:a}{id}{column:b c}', 0).columns).toEqual(['a', 'b c']);
  });

  it.each([
    ['{id}', {}, 'the key needs {id}: the line has no `id`'],
    ['{column:x}', { columns: new Map() }, 'the key needs {column:x}: its cell is empty'],
  ])('%s is a problem of the line that has none', (template, facts, problem) => {
    expect(keyOf(template, facts)).toBe(problem);
  });

  it.each([
    ['{id}', { id: '../../etc/passwd' }, '__/__/etc/passwd'],
    ['{id}', { id: '/abs//x/' }, 'abs/x'],
    ['{id}', { id: '%2e%2e/x' }, '_2e_2e/x'],
    ['{id}', { id: 'con.txt' }, '_con.txt'],
    ['{id}/x', { id: '.skyhaul' }, '_.skyhaul/x'],
    ['{id}.txt', { id: 'a\\b:c\u0001"' }, 'a_b_c__.txt'],
    ['{id}.txt', { id: 'a.' }, 'a_.txt'],
    ['{line}{ext}', { url: 'https://e.com/a' }, '7'],
    ['{ext}', { url: 'https://e.com/a' }, '_'],
    ['x/{query}/y', { url: 'https://e.com/a' }, 'x/_/y'],
    ['.{query}./x', { url: 'https://e.com/a' }, '__/x'],
    ['{basename}', { url: 'https://e.com/a%2Fb' }, 'a_b'],
    ['{basename}', { url: 'https://e.com/' }, 'index.html'],
  ])('%s cleans what the line says: %j', (template, facts, key) => {
    expect(keyOf(template, facts)).toBe(key);
  });

  it.each([
    ['{hosts}/x', '{hosts} is no placeholder; did you mean {host}?'],
    ['{file-name}', '{file-name} is no placeholder; did you mean {filename}?'],
    ['{sha256}', '{sha256} is no placeholder; known are {host}, {path}, {query}'],
    ['{line:0}', '{line:0} is no placeholder'],
    ['{column:}', '{column:} is no placeholder; did you mean {column:name}?'],
    ['{colum:x}', 'did you mean {column:name}?'],
    ['{line:x}', '{line:x} is no placeholder'],
    ['{host', 'a brace in it opens or closes nothing'],
    ['host}', 'a brace in it opens or closes nothing'],
    ['/{host}', 'no `/` at the beginning'],
    ['{host}/../x', 'no part `.` or `..`'],
    ['{host}/', 'no empty part'],
    ['.skyhaul/{host}', 'not below .skyhaul'],
    ['a\u0001b', 'no control characters'],
    ['{filename}/{filename}', '`{filename}` stands in it twice'],
  ])('%s is refused', (template, problem) => {
    expect(() => readKeyTemplate(template, 0)).toThrow(
      expect.objectContaining({ name: 'BatchInvalid', message: expect.stringContaining(problem) }),
    );
  });

  it('leaves a place for the name that the source gives the file', () => {
    const made = readKeyTemplate('{host}/{line:3}-{filename}', 0).keyOf({ url: new URL(URL_TEXT), line: 7, item: 7 });

    expect(made).toEqual({ ok: true, key: 'example.com_8080/007-{filename}', nameAt: 21 });
  });

  it('cuts what is too long around that place, and tells the cut ones apart', () => {
    const id = 'i'.repeat(900);
    const path = `${'p'.repeat(300)}/${'q'.repeat(300)}/${'r'.repeat(300)}`;
    const url = `https://e.com/${`${path}/`.repeat(4)}${'n'.repeat(300)}.csv`;
    const made = (template: string) => keyOf(template, { id, url, columns: new Map([['c', `${id}2`]]) });

    expect(made('{id}-{filename}')).toMatch(/^i+~[0-9a-f]{16}\{filename\}$/);
    expect(made('{column:c}-{filename}')).not.toBe(made('{id}-{filename}'));
    expect(made('{filename}-{basename}')).toMatch(/^\{filename\}-n+~[0-9a-f]{16}\.csv$/);
    expect(made('{path}/{filename}')).toMatch(/^p+~[0-9a-f]{16}\/.+~[0-9a-f]{16}(\.csv)?\/\{filename\}$/);
    expect(made('{filename}/{path}')).toMatch(/^\{filename\}\/p+~[0-9a-f]{16}\/.+~[0-9a-f]{16}\.csv$/);
    expect(made('x/{id}/{filename}')).toMatch(/^x\/i+~[0-9a-f]{16}\/\{filename\}$/);
  });

  it.each([
    [{ a: '{file', b: 'name}' }, '_filename_-{filename}', 11],
    [{ a: '{filename}', b: '{filename}' }, '_filename__filename_-{filename}', 21],
    [{ a: '{', b: 'filename' }, '{filename-{filename}', 10],
    [{ a: '.skyhaul/x', b: 'y' }, '_.skyhaul/xy-{filename}', 13],
  ])('never takes a value for such a place: %j', ({ a, b }, key, nameAt) => {
    const columns = new Map(Object.entries({ a, b }));
    const facts = { url: new URL(URL_TEXT), line: 1, item: 1, columns };

    expect(readKeyTemplate('{column:a}{column:b}-{filename}', 0).keyOf(facts)).toEqual({ ok: true, key, nameAt });
  });

  const text = fc.string({ unit: 'grapheme', maxLength: 60 });
  const hostile = fc
    .array(
      fc.constantFrom('.', '..', '/', '%2e', '%252e', '%2f', '\\', '\0', 'ü', ' ', 'a', 'con', '.skyhaul', '\ud800'),
    )
    .map((pieces) => pieces.join(''));

  it('makes a key that every store takes of any line, the same one each time', () => {
    const templates = fc.constantFrom(
      '{id}',
      '{column:c}',
      'x/{id}{ext}',
      '{id}/{query}',
      '{path}{id}',
      '{id}.',
      '.{id}',
    );
    const path = fc.oneof(text, hostile);

    fc.assert(
      fc.property(templates, fc.oneof(text, hostile), path, (template, value, urlPath) => {
        const url = `https://e.com/${encodeURIComponent(urlPath.toWellFormed())}?${encodeURIComponent(value.toWellFormed())}`;
        if (template === '{id}.') return;
        const columns = new Map([['c', value]]);
        const made = readKeyTemplate(template, 0).keyOf({
          url: new URL(url),
          id: value,
          line: 1,
          item: 1,
          columns,
          maxBytes: 100,
        });

        if (!made.ok) expect(value).toBe('');
        else expect(checkKey(made.key, 100)).toEqual({ ok: true });
      }),
    );
  });

  it('makes a key with one place for the name of any line, and one that every store takes of any name in it', () => {
    const templates = fc.constantFrom(
      ...['{id}{filename}{column:c}', '{column:c}/{filename}', '{filename}/{id}', '{path}/{id}-{filename}{column:c}'],
      ...['x{id}/{filename}/{path}', '{filename}{id}{column:c}', '{id}{column:c}{filename}'],
    );
    const piece = fc.constantFrom('{', '}', 'file', 'name', '{filename}', '{file', 'name}', '/', '..', 'x'.repeat(90));
    const value = fc.oneof(
      text,
      hostile,
      fc.array(piece, { minLength: 1, maxLength: 20 }).map((all) => all.join('')),
    );

    fc.assert(
      fc.property(templates, value, value, fc.constantFrom(256, 1_024), text, (template, id, cell, maxBytes, name) => {
        const columns = new Map([['c', cell]]);
        const url = new URL(`https://e.com/${encodeURIComponent(id.toWellFormed())}`);
        const made = readKeyTemplate(template, 0).keyOf({ url, id, line: 1, item: 1, columns, maxBytes });
        if (!made.ok) {
          expect([id, cell]).toContain('');
          return;
        }

        const { key, nameAt = -1 } = made;
        expect(key.split('{filename}')).toHaveLength(2);
        expect(key.indexOf('{filename}')).toBe(nameAt);
        expect(checkKey(key, maxBytes)).toEqual({ ok: true });
        const named = key.replace('{filename}', () => cleanPart(name));
        expect(checkKey(finishKey(named.split('/'), maxBytes, named), maxBytes)).toEqual({ ok: true });
      }),
      { numRuns: 1_000 },
    );
  });

  it('that is the default makes the same keys as none', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        expect(keyOf('{host}/{path}', { url })).toBe(deriveKey(new URL(url)));
      }),
    );
  });
});

describe('a list whose keys are made by a template', () => {
  const template = (text: string) => ({ template: readKeyTemplate(text, STARTED) });

  it('takes columns that mean nothing else; a key of the line is nearer', async () => {
    const csv = 'name,url,key\nOne,https://e.com/1,\nTwo,https://e.com/2,own\n,https://e.com/3,';

    expect(await readAll(csv, { name: 'l.csv' }, template('{column:name}/{line}'))).toMatchObject([
      { key: 'One/2' },
      { key: 'own' },
      { problems: [{ field: 'key', text: 'the key needs {column:name}: its cell is empty' }] },
    ]);
  });

  it('names a column that the list does not have, once', async () => {
    await expect(readAll('url\nhttps://e.com/1', { name: 'l.csv' }, template('{column:nme}'))).rejects.toThrow(
      expect.objectContaining({
        name: 'ManifestUnreadable',
        message: expect.stringContaining('there is no column `nme` (wanted by the key template): found `url`'),
      }),
    );
  });

  it.each([
    ['l.jsonl', '{"url":"https://e.com/1","key":"k"}\n{"url":"https://e.com/2"}', 2],
    ['l.txt', 'https://e.com/1', 1],
    ['l.tsv', 'TsvHttpData-1.0\nhttps://e.com/1', 2],
  ])('has no columns as %s: the first line that needs one is named', async (name, text, line) => {
    const message = `csv and tsv have some, this list has none, and line ${line} has no key`;

    await expect(readAll(text, { name }, template('{column:x}'))).rejects.toThrow(message);
  });

  it('may say itself where the name stands that the source gives', async () => {
    const lines = await readAll(
      '{"url":"https://e.com/1","key":"a/{filename}.x"}\n{"url":"https://e.com/2","key":"{filename}{filename}"}',
      { name: 'l.jsonl' },
    );

    expect(lines).toMatchObject([
      { key: 'a/{filename}.x', nameAt: 2 },
      { problems: [{ error: 'KeyRefused', text: '`key`: {filename} once, found "{filename}{filename}"' }] },
    ]);
    expect(await readAll('https://e.com/%7Bfilename%7D', { name: 'l' })).toMatchObject([{ key: 'e.com/_filename_' }]);
  });

  it('numbers the items of a pattern', async () => {
    const lines = await readAll('#\nhttps://e.com/{a,b}', { name: 'l' }, template('{item:2}-{line}'));

    expect(lines).toMatchObject([{ key: '01-2' }, { key: '02-2' }]);
  });
});
