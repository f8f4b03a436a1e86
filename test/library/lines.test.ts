import { describe, expect } from 'vitest';
import { jsonLines, lines } from '../../lib/library/lines.ts';
import { stream } from '../../lib/library/stream.ts';
import { ranged } from '../support/origin-ranges.ts';
import { collect, errorOf, impatient, it, local, until } from './fixture.ts';

async function* bytes(...chunks: readonly (string | Uint8Array)[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

describe('lines', () => {
  it('end in CRLF, CR or LF, mixed, across chunks, and at the end of the file', async () => {
    const read = await collect(lines(bytes('one\r', '\ntwo\rthr', 'ee\n\nfive')));

    expect(read).toEqual(['one', 'two', 'three', '', 'five']);
    expect(await collect(lines(bytes()))).toEqual([]);
  });

  it('of a URL are opened with the first one, and closed by whoever leaves the loop', async ({ origin }) => {
    origin.on('/log', { body: 'first\nsecond\n', contentLength: 1_000, stall: { afterBytes: 13 } });
    const read = lines(origin.url('/log'), local);
    const askedBefore = origin.requests.length;

    for await (const line of read) {
      expect(line).toBe('first');
      break;
    }

    expect(askedBefore).toBe(0);
    await until(() => origin.connections.open === 0);
  });

  it('H01: come once each although the connection breaks off in the middle of them', async ({ origin }) => {
    const wanted = Array.from({ length: 2_000 }, (_, at) => `line ${at} grün`);
    let asked = 0;
    origin.on(
      '/log',
      ranged(Buffer.from(wanted.join('\n')), '"v1"', () => {
        asked += 1;
        return asked < 10 ? { cut: { afterBytes: 1_001, by: 'rst' } } : {};
      }),
    );

    const read = await collect(lines(origin.url('/log'), { ...local, attempts: 20 }, impatient));

    expect(read).toEqual(wanted);
    expect(asked).toBe(10);
  });

  it('are read of a stream that is open, and through a transform', async ({ origin }) => {
    origin.on('/rows', { body: 'id,on\n1,yes\n2,no\n' });
    const transform = [{ name: 'csv', where: "on = 'yes'" }] as const;

    const open = await stream(origin.url('/rows'), local);

    expect(await collect(lines(open))).toEqual(['id,on', '1,yes', '2,no']);
    expect(await collect(lines({ url: origin.url('/rows'), transform }, local))).toEqual(['id,on', '1,yes']);
  });

  it('are text of the charset that was given, without its byte order mark', async () => {
    const latin = await collect(lines(bytes(Buffer.from('Stra\xdfe\nM\xfcnchen', 'latin1')), { charset: 'latin1' }));
    const marked = await collect(lines(bytes('\uFEFFa\n\uFEFFb')));
    const wide = await collect(lines(bytes(Buffer.from('\uFEFFä\nb', 'utf16le')), { charset: 'utf-16' }));

    expect(latin).toEqual(['Straße', 'München']);
    expect(marked).toEqual(['a', '\uFEFFb']);
    expect(wide).toEqual(['ä', 'b']);
  });

  it('that are no text, or too long, fail with their number, never with a replacement character', async () => {
    const broken = errorOf(collect(lines(bytes('ok\n', Buffer.from([0xff, 0x0a])))));
    const long = errorOf(collect(lines(bytes('ok\n', 'x'.repeat(11)), { maxLineBytes: 10 })));

    expect(await broken).toMatchObject({ name: 'TransformFailed', message: expect.stringContaining('line 2') });
    expect(await long).toMatchObject({ name: 'TransformFailed', message: expect.stringContaining('line 2') });
  });

  it('refuse options that cannot be', async () => {
    const wrong = async (options: object) => (await errorOf(collect(lines(bytes('x'), options)))).name;

    expect(await wrong({ charset: 'klingon' })).toBe('BatchInvalid');
    expect(await wrong({ maxLineBytes: 0 })).toBe('BatchInvalid');
  });
});

describe('jsonLines', () => {
  it('are the values, blank lines passed over', async () => {
    const read = await collect(jsonLines(bytes('{"a":1}\r\n\r\n[2]\nnull')));

    expect(read).toEqual([{ a: 1 }, [2], null]);
  });

  it('name the line that is no JSON, without showing what stands there', async () => {
    const error = await errorOf(collect(jsonLines(bytes('1\n', '{"password":"secret"'))));

    expect(error).toMatchObject({ name: 'TransformFailed', message: 'jsonLines: line 2 is no JSON' });
  });
});
