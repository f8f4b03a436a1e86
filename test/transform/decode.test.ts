import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDecode } from '../../lib/transform/decode.ts';
import { apply, chunkSizes, inChunks } from './byte-streams.ts';

const failed = (message: RegExp) =>
  expect.objectContaining({ name: 'TransformFailed', message: expect.stringMatching(message) });

const anyText = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => text.toWellFormed());
const bigEndian = (text: string) => Buffer.from(text, 'utf16le').swap16();

/** Every character of two bytes that the charset has. */
function pairsOf(charset: string): Buffer[] {
  const decoder = new TextDecoder(charset, { fatal: true });
  const all = Array.from({ length: 0x8000 }, (_, at) => Buffer.from([0x80 + (at >> 8), at & 0xff]));
  return all.filter((pair) => {
    try {
      return decoder.decode(pair).length === 1;
    } catch {
      return false;
    }
  });
}

describe('decoding', () => {
  it.each([
    ['utf-16le', (text: string) => Buffer.from(text, 'utf16le')],
    ['utf-16be', bigEndian],
    ['utf-8', (text: string) => Buffer.from(text)],
    ['utf-16', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16', (text: string) => bigEndian(`\ufeff${text}`)],
  ])('gives the text of %s as UTF-8, wherever the chunks end', async (charset, encode) => {
    await fc.assert(
      fc.asyncProperty(anyText, chunkSizes, async (text, sizes) => {
        const decoded = await apply(makeDecode(charset), ...inChunks(encode(text), sizes));

        // A mark in front is none of the text; where the charset has one already, the next is.
        const wanted = charset.toLowerCase() === 'utf-16' ? text : text.replace(/^\ufeff/, '');
        expect(decoded.toString()).toBe(wanted);
      }),
    );
  });

  it.each([
    ['windows-1252', Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]))],
    ['koi8-r', Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]))],
    ['shift_jis', [...pairsOf('shift_jis'), Buffer.from('a'), Buffer.from([0xb1])]],
    ['gb18030', [...pairsOf('gb18030'), Buffer.from('a'), Buffer.from([0x95, 0x32, 0x82, 0x36])]],
  ])('reads %s in chunks as it does in one piece', async (charset, characters) => {
    expect(characters.length).toBeGreaterThan(250);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...characters), { maxLength: 300 }),
        chunkSizes,
        async (parts, sizes) => {
          const bytes = Buffer.concat(parts);

          const decoded = await apply(makeDecode(charset), ...inChunks(bytes, sizes));

          expect(decoded.toString()).toBe(new TextDecoder(charset, { fatal: true }).decode(bytes));
        },
      ),
    );
  });

  it.each([
    ['windows-1252', '80 85 92 93 9f e4', '€…’“Ÿä'],
    ['latin1', '80', '€'],
    ['shift_jis', '93 fa 96 7b 8c ea b1', '日本語ｱ'],
    ['gb18030', 'd6 d0 ce c4 95 32 82 36', '中文𠀀'],
    ['iso-8859-15', 'a4', '€'],
    ['euc-kr', 'c7 d1', '한'],
  ])('knows %s as the world does', async (charset, hex, text) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');

    expect((await apply(makeDecode(charset), ...inChunks(bytes, [1]))).toString()).toBe(text);
  });

  it('takes the byte order mark off the beginning only', async () => {
    expect((await apply(makeDecode('utf-8'), Buffer.from('\ufeffa\ufeffb'))).toString()).toBe('a\ufeffb');
    expect(await apply(makeDecode('utf-8'), Buffer.from('\ufeff'))).toHaveLength(0);
    expect(await apply(makeDecode('utf-16'), Buffer.from([0xff, 0xfe]))).toHaveLength(0);
  });

  it.each([
    ['utf-8', '61 ff 61'],
    ['utf-8', '61 e2 82'],
    ['utf-16le', '61 00 61'],
    ['utf-16', '61'],
    ['utf-16be', 'd8 00 00 61'],
    ['shift_jis', '93'],
    ['gb18030', '95 32 82'],
  ])('fails for what is no %s, or stops within a character (%s)', async (charset, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');

    for (const size of [1, 9]) {
      await expect(apply(makeDecode(charset), ...inChunks(bytes, [size]))).rejects.toEqual(
        failed(new RegExp(`^decode: the input is no ${charset}: `)),
      );
    }
  });

  it('refuses a charset that is not known, before anything is read', () => {
    expect(() => makeDecode('klingon')).toThrow(
      expect.objectContaining({ name: 'BatchInvalid', message: 'decode: the charset "klingon" is not known.' }),
    );
  });
});
