import { connect } from 'node:net';
import { expect } from 'vitest';
import { bytesOf } from '../support/origin-bytes.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { asked, conformance, EVERY_BACKEND, HTTP1, openAt, readAll, withBody } from './fixture.ts';

const MIB = 1024 * 1024;
const body = { seed: 'body', bytes: MIB } as const;
const CUT = 700_000;
const cuts = ['fin', 'rst'] as const;

conformance('a whole body', EVERY_BACKEND, (it) => {
  it.for([
    ['length', { framing: 'length' }, { kind: 'length', bytes: MIB }],
    ['length, connection closed behind it', { framing: 'length', close: true }, { kind: 'length', bytes: MIB }],
    ['chunked', { framing: 'chunked' }, { kind: 'chunked' }],
    ['chunked with trailers', { framing: 'chunked', trailers: 'x-sum: 1\r\n', close: true }, { kind: 'chunked' }],
    ['chunked in tiny chunks', { framing: 'chunked', chunkBytes: 7, body: { seed: 'body', bytes: 9_999 } }, undefined],
  ] as const)('arrives byte for byte (%s)', async ([, script, framing], { origin, source }) => {
    origin.on('/f', { body, ...script });

    const read = await source.read('/f');

    expect(read.error).toBeUndefined();
    expect(read.bytes.equals(bytesOf('body', read.bytes.length))).toBe(true);
    expect(read.bytes.length).toBe('body' in script ? 9_999 : MIB);
    if (framing !== undefined) expect(read.opened.framing).toEqual(framing);
  });

  it('H24: a length of 0 is an empty file', async ({ origin, source }) => {
    origin.on('/f', {});

    const read = await source.read('/f');

    expect(read).toMatchObject({ error: undefined, bytes: Buffer.alloc(0) });
    expect(read.opened.framing).toEqual({ kind: 'length', bytes: 0 });
  });
});

conformance('a body that is cut', EVERY_BACKEND, (it) => {
  const rows = cuts.flatMap((by) => [
    [by === 'fin' ? 'H01' : 'H02', 'Content-Length', by, { framing: 'length' }] as const,
    ['H03', 'Content-Length with Connection: close', by, { framing: 'length', close: true }] as const,
    ['H04', 'chunked keep-alive', by, { framing: 'chunked' }] as const,
    ['H05', 'chunked with Connection: close', by, { framing: 'chunked', close: true }] as const,
    ['H09', 'HTTP/1.0 Content-Length', by, { framing: 'length', version: '1.0' }] as const,
  ]);

  it.for(rows)('%s: is ConnectionLost (%s, by %s)', async ([, , by, script], { origin, source }) => {
    origin.on('/f', { body, ...script, cut: { afterBytes: CUT, by } });

    const read = await source.read('/f');

    expect(read.error).toMatchObject({ name: 'ConnectionLost', retryable: true, details: { host: '127.0.0.1' } });
    expect(read.bytes.equals(bytesOf('body', read.bytes.length))).toBe(true);
    expect(read.bytes.length).toBeLessThanOrEqual(CUT);
  });
});

conformance('a body that ends with its connection', HTTP1, (it) => {
  it('H06: close-delimited is read to the orderly end and labelled eof', async ({ origin, source }) => {
    origin.on('/f', { body, framing: 'eof' });

    const read = await source.read('/f');

    expect(read.error).toBeUndefined();
    expect(read.opened.framing).toEqual({ kind: 'eof' });
    expect(read.bytes.equals(bytesOf('body', MIB))).toBe(true);
  });

  it('H06: close-delimited, cut by FIN, cannot be told from a whole one and stays labelled eof', async ({
    origin,
    source,
  }) => {
    origin.on('/f', { body, framing: 'eof', cut: { afterBytes: CUT, by: 'fin' } });

    const read = await source.read('/f');

    expect(read.error).toBeUndefined();
    expect(read.opened.framing).toEqual({ kind: 'eof' });
    expect(read.bytes.length).toBe(CUT);
  });

  it('H08: a TLS connection that ends without close_notify is eof, never proven', async ({ source, startOther }) => {
    const tls = makeCertificate();
    const secure = await startOther({ '/f': { body, framing: 'eof', cut: { afterBytes: CUT, by: 'rst' } } }, { tls });

    const read = await source.read(secure.url('/f'), { client: source.client({ ca: tls.cert }) });

    expect(read.opened.framing).toEqual({ kind: 'eof' });
    expect(read.bytes.equals(bytesOf('body', read.bytes.length))).toBe(true);
  });

  it('H09: HTTP/1.0 with a length is proven by it, without one it is eof', async ({ origin, source }) => {
    origin.on('/length', { version: '1.0', body: 'hello' });
    origin.on('/eof', { version: '1.0', body: 'hello', framing: 'eof' });

    const [length, eof] = [await source.read('/length'), await source.read('/eof')];

    expect([length.opened.framing, eof.opened.framing]).toEqual([{ kind: 'length', bytes: 5 }, { kind: 'eof' }]);
    expect([String(length.bytes), String(eof.bytes)]).toEqual(['hello', 'hello']);
  });

  it('H07: close-delimited, ended by a reset, is ConnectionLost', async ({ origin, source }) => {
    origin.on('/f', { body, framing: 'eof', cut: { afterBytes: CUT, by: 'rst' } });

    expect((await source.read('/f')).error?.name).toBe('ConnectionLost');
  });

  it('H07: also when the reader is far behind as the reset comes', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello', framing: 'eof', cut: { afterBytes: 5, by: 'rst' } });
    const opened = await openAt(source.client(), origin.url('/f'));
    while (origin.connections.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect((await readAll(opened)).error?.name).toBe('ConnectionLost');
  });
});

conformance('an answer of HTTP/1.1 that is cut', HTTP1, (it) => {
  it.for(cuts)('H05: inside the trailers it is ConnectionLost (by %s)', async (by, { origin, source }) => {
    const wire = '5\r\nhello\r\n0\r\nx-sum: 1';
    origin.on('/f', {
      body: 'hello',
      framing: 'chunked',
      trailers: 'x-sum: 12\r\n',
      close: true,
      cut: { afterBytes: wire.length, by },
    });

    expect((await source.read('/f')).error?.name).toBe('ConnectionLost');
  });

  it.for(cuts)('H22: an empty reply is ConnectionLost (by %s)', async (by, { origin, source }) => {
    origin.on('/f', { raw: '', cut: { afterBytes: 0, by } });

    expect(await source.refusal('/f')).toMatchObject({ name: 'ConnectionLost' });
  });

  it.for(cuts)('H22: so is a header block that is cut (by %s)', async (by, { origin, source }) => {
    origin.on('/f', { raw: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n', cut: { afterBytes: 30, by } });

    expect(await source.refusal('/f')).toMatchObject({ name: 'ConnectionLost' });
  });
});

conformance('a body that lies', HTTP1, (it) => {
  it('H10: bytes beyond the length are never delivered, nor taken for the next response', async ({
    origin,
    source,
  }) => {
    const surplus = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    origin.on('/f', { raw: `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello${surplus}` });
    origin.on('/next', { body: 'next' });
    const client = source.client();

    const read = await source.read('/f', { client });
    const next = await source.read('/next', { client });

    expect([String(read.bytes), read.error]).toEqual(['hello', undefined]);
    expect([String(next.bytes), next.error]).toEqual(['next', undefined]);
    expect(origin.connections.total).toBe(2);
  });

  it.for([
    ['no number', 'zz\r\nhello\r\n0\r\n\r\n'],
    ['negative', '-5\r\nhello\r\n0\r\n\r\n'],
    ['beyond 64 bits', 'fffffffffffffffff\r\nhello'],
    ['shorter than the data', '3\r\nhello\r\n0\r\n\r\n'],
    ['followed by no CRLF', '5\r\nhelloXX0\r\n\r\n'],
  ])('H16: a chunk size that is %s is a ProtocolError', async ([, wire], { origin, source }) => {
    origin.on('/f', { raw: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${wire}` });

    expect((await source.read('/f')).error?.name).toBe('ProtocolError');
  });

  it('H17: a trailer without a colon is a ProtocolError', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello', framing: 'chunked', trailers: 'no colon\r\n' });

    expect((await source.read('/f')).error?.name).toBe('ProtocolError');
  });
});

conformance('trailers', EVERY_BACKEND, (it) => {
  it('H18: endless trailers are HeadersTooLarge', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello', framing: 'chunked', trailers: `x: ${'y'.repeat(1_000)}\r\n`.repeat(100) });

    expect((await source.read('/f')).error?.name).toBe('HeadersTooLarge');
  });
});

conformance('the reader', EVERY_BACKEND, (it) => {
  it('H30: holds back an endless body; memory stays bounded while it does not read', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 1, bytes: 1024 * MIB }, contentLength: 1024 * MIB });
    const opened = await openAt(source.client(), origin.url('/f'));
    const before = process.memoryUsage().arrayBuffers;
    const iterator = opened.body[Symbol.asyncIterator]();

    const first = await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 300));

    expect(first.done).toBe(false);
    // The origin runs in this process too, and holds one piece.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB);
    await opened.close();
  });

  it('gets every byte however slowly it reads', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 2, bytes: 3 * MIB } });
    const opened = await openAt(source.client(), origin.url('/f'));
    const chunks: Uint8Array[] = [];

    for await (const chunk of opened.body) {
      chunks.push(chunk);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }

    expect(Buffer.concat(chunks).equals(bytesOf(2, 3 * MIB))).toBe(true);
  });

  it('drops the connection of a body it leaves, and the client goes on with another', async ({ origin, source }) => {
    origin.on('/f', { body: { seed: 3, bytes: 64 * MIB } });
    origin.on('/next', { body: 'next' });
    const client = source.client();
    const opened = await openAt(client, origin.url('/f'));

    for await (const chunk of opened.body) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await Promise.all([opened.close(), opened.close()]);
    const next = await source.read('/next', { client });

    expect(String(next.bytes)).toBe('next');
    expect(origin.connections.total).toBe(2);
  });

  it('keeps the connection when close() comes behind the end', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client();

    for (let round = 0; round < 3; round += 1) {
      const { opened, bytes } = await source.read('/f', { client });
      await opened.close();
      expect(String(bytes)).toBe('hello');
    }

    expect(origin.connections).toMatchObject({ total: 1, open: 1 });
  });

  it('reads nothing more behind close()', async ({ origin, source }) => {
    origin.on('/f', { body });
    const opened = await openAt(source.client(), origin.url('/f'));

    await opened.close();

    expect(await readAll(opened)).toMatchObject({ error: { name: 'Interrupted' }, bytes: Buffer.alloc(0) });
  });

  it('learns of a client that is closed under it', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello', contentLength: 10, stall: { afterBytes: 5 } });
    const client = source.client();
    const opened = withBody(await client.open(asked(origin.url('/f'))));
    const reading = readAll(opened);

    await client.close();

    expect((await reading).error?.name).toBe('Interrupted');
    await expect(new Promise((resolve) => connect(origin.port, '127.0.0.1', () => resolve('up')))).resolves.toBe('up');
  });
});
