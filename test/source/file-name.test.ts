import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileNameOf } from '../../lib/source/file-name.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

describe('the name in Content-Disposition', () => {
  it.each([
    ['attachment; filename=a.txt', 'a.txt'],
    ['attachment; filename="a b.txt"', 'a b.txt'],
    ['inline;filename="a.txt"', 'a.txt'],
    ['ATTACHMENT; FILENAME="a.txt"; size=3', 'a.txt'],
    ['attachment; filename="a \\"b\\".txt"', 'a "b".txt'],
    ['attachment; filename="a;b.txt"', 'a;b.txt'],
    ['attachment; filename="a%20b.txt"', 'a%20b.txt'],
    ["attachment; filename=e.txt; filename*=UTF-8''%e2%82%ac%20rates.txt", '€ rates.txt'],
    ["attachment; filename*=utf-8'en'%e2%82%ac.txt; filename=e.txt", '€.txt'],
    ["attachment; filename*=ISO-8859-1''%fc.txt", 'ü.txt'],
    ["attachment; filename*=UTF-8''%ff.txt; filename=e.txt", 'e.txt'],
    ["attachment; filename*=UTF-8''%e.txt; filename=e.txt", 'e.txt'],
    ["attachment; filename*=shift_jis''x.txt; filename=e.txt", 'e.txt'],
    [`attachment; filename="${latin1('ü€.txt')}"`, 'ü€.txt'],
    ['attachment; filename="\xfc.txt"', 'ü.txt'],
    ['attachment; filename=a.txt; filename=b.txt', 'a.txt'],
    ['attachment; foo=1; filename=a.txt', 'a.txt'],
  ])('%s is %s', (header, name) => {
    expect(fileNameOf(header)).toBe(name);
  });

  it.each([
    undefined,
    '',
    'attachment',
    'filename=a.txt',
    'attachment; filename=""',
    'attachment; filename=..',
    'attachment; filename="/"',
    'attachment; filename="unclosed',
    `attachment; filename="${'x'.repeat(5_000)}"`,
  ])('%s has none', (header) => {
    expect(fileNameOf(header)).toBeUndefined();
  });

  it.each([
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\Windows\\\\evil.exe"', 'evil.exe'],
    ["attachment; filename*=UTF-8''..%2f..%2fevil", 'evil'],
    ["attachment; filename*=UTF-8''..%5c..%5cevil", 'evil'],
    ['attachment; filename="/etc/passwd"', 'passwd'],
  ])('H70: %s is no path', (header, name) => {
    expect(fileNameOf(header)).toBe(name);
  });

  it('H70: is found in any header at once, and never is a path', () => {
    const piece = fc.constantFrom(
      ';',
      '=',
      '"',
      '\\',
      'filename',
      'filename*',
      "UTF-8''",
      '%2f',
      '%',
      '/',
      '..',
      'a',
      ' ',
      '\u0000',
    );

    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const name = fileNameOf(`attachment;${pieces.join('')}`);
        if (name === undefined) return;
        expect(name).not.toMatch(/[/\\]/);
        expect(name).not.toMatch(/^\.*$/);
      }),
    );
    expect(fileNameOf(`a${';a="\\"'.repeat(600)}`)).toBeUndefined();
  });
});
