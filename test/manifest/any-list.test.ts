import { isUtf8 } from 'node:buffer';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import { readKeyTemplate } from '../../lib/manifest/key-template.ts';
import { readManifest } from '../../lib/manifest/read-manifest.ts';
import { newestStatus } from '../../lib/plan/status.ts';
import { it } from '../support/run-context.ts';
import { collect, inPieces } from './lists.ts';

/** What stands in lists, and what should not: no line ends, and no quotes, which may join lines of a CSV. */
const piece = fc.constantFrom(
  ...[
    'https://a.example/',
    'http://',
    'HTTPS://B.example',
    'ftp://x',
    '/p',
    '%2e%2e/',
    '?q=',
    '#',
    ' ',
    '\t',
    ',',
    '{}',
  ],
  ...[
    '{"url":',
    '\u0000',
    '\u202e',
    '\ufeff',
    '\u00fc',
    'u\u0308',
    '\ud83d\ude00',
    '\\',
    '{1..3}',
    '{',
    '}',
    '..',
    '1',
  ],
  ...['con', '.skyhaul/', 'x'.repeat(9_000), '\u0085', '\u2028', '__proto__', '=1+1'],
);
const text = fc.array(piece, { maxLength: 6 }).map((pieces) => Buffer.from(pieces.join('')));
const valid = fc.nat({ max: 9 }).map((n) => Buffer.from(`https://a.example/${n}`));
const json = fc
  .record(
    { url: fc.webUrl(), key: fc.option(fc.string(), { nil: undefined }), id: fc.anything() },
    { requiredKeys: ['url'] },
  )
  .map((value) => Buffer.from(JSON.stringify(value) ?? ''));
const bytes = fc
  .uint8Array({ maxLength: 40 })
  .map((all) => Buffer.from(all.filter((byte) => byte !== 0x0a && byte !== 0x0d && byte !== 0x22)));
const long = fc.constantFrom(65_536, 65_537, 200_000).map((length) => Buffer.alloc(length, 'x'));
const noQuotes = (line: Buffer) => Buffer.from(line.filter((byte) => byte !== 0x22));

const FORMATS = {
  txt: { first: '#', isContent: (line: string) => line.trim() !== '' && !line.trim().startsWith('#') },
  jsonl: { first: ' ', isContent: (line: string) => line.trim() !== '' },
  csv: { first: 'url,id', isContent: (line: string) => line.trim() !== '' },
  tsv: { first: 'url\tid', isContent: (line: string) => line.trim() !== '' },
} as const;

const anyList = fc
  .record({
    format: fc.constantFrom('txt', 'jsonl', 'csv', 'tsv'),
    lines: fc.array(fc.oneof(text, valid, json, bytes, { arbitrary: long, weight: 1 }), { maxLength: 12 }),
    end: fc.constantFrom('\n', '\r\n', '\r'),
    pack: fc.constantFrom((plain: Uint8Array) => plain, gzipSync, zstdCompressSync),
    pieceBytes: fc.constantFrom(1_000, 4_096, 65_537),
  })
  .map(({ format, lines, end, pack, pieceBytes }) => {
    const { first, isContent } = FORMATS[format];
    const own = format === 'csv' || format === 'tsv' ? lines.map(noQuotes) : lines;
    const all = Buffer.concat([Buffer.from(first), ...own.flatMap((line) => [Buffer.from(end), line])]);
    // The first line is no item.
    const content = own.flatMap((line, at) => (!isUtf8(line) || isContent(line.toString()) ? [at + 2] : []));
    return { format, content, bytes: pack(all), pieceBytes };
  });

describe('a list of anything', () => {
  const templates = [undefined, '{filename}', '{line}-{filename}{ext}', '{path}/{query}', '{id}/{basename}'];

  it('loses no line: each one with content is an item or a problem, in order', async () => {
    await fc.assert(
      fc.asyncProperty(anyList, fc.constantFrom(...templates), async (list, key) => {
        const template = key === undefined ? undefined : readKeyTemplate(key, 0);
        const spec = { name: '-', format: list.format, ...(list.format === 'txt' && { expand: false }) };

        const read = await collect(readManifest(inPieces(list.bytes, list.pieceBytes), spec, { template }));

        expect(read.map(({ line }) => line)).toEqual(list.content);
        expect(read.map(({ index }) => index)).toEqual(list.content.map((_, index) => index));
        for (const line of read) expect('item' in line ? [line.key] : line.problems).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is planned, or refused with an error of the catalogue: items and invalid lines are all lines', async ({
    rig,
  }) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(anyList, async (list) => {
        run += 1;
        const openManifest = async () => ({ name: '-', etag: '"1"', bytes: inPieces(list.bytes, list.pieceBytes) });
        const manifest = { uri: 'l', format: list.format, ...(list.format === 'txt' && { expand: false }) };
        const input = { run: `r${run}`, manifest, to: rig.root, options: { skipInvalid: true } };

        await rig.plan(input, rig.context({ openManifest }));

        const status = await newestStatus(rig.context().state, `r${run}`);
        expect(status).toMatchObject({ items: list.content.length });
        expect((status?.left ?? 0) + (status?.failed ?? 0) + (status?.skipped ?? 0)).toBe(list.content.length);
      }),
      { numRuns: 60 },
    );
  });

  it('that is bytes alone comes out as lines, or is refused with an error of the catalogue', async () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary' }).map((all) => Buffer.from(all)),
    );

    await fc.assert(
      fc.asyncProperty(any, fc.constantFrom('-', 'l.csv', 'l.tsv.gz', 'l.jsonl', 'l.txt'), async (all, name) => {
        const read = collect(readManifest(inPieces(all, 7), { name }, { maxItems: 50 }));
        const error = await read.then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(SkyhaulError);
      }),
      { numRuns: 500 },
    );
  });
});
