import { expect } from 'vitest';
import { differences } from './back-end-differences.ts';
import { asked, conformance, EVERY_BACKEND, HTTP1 } from './fixture.ts';

/** What is wrong, and the header lines that say so; the body would be `hello` by any reading. */
const BROKEN: readonly [row: string, what: string, lines: string][] = [
  ['H11', 'a negative Content-Length', 'Content-Length: -5'],
  ['H11', 'letters in Content-Length', 'Content-Length: five'],
  ['H11', 'a hexadecimal Content-Length', 'Content-Length: 0x5'],
  ['H11', 'two numbers in Content-Length', 'Content-Length: 1 5'],
  ['H11', 'a Content-Length with a sign', 'Content-Length: +5'],
  ['H11', 'a Content-Length beyond 2^53', 'Content-Length: 9007199254740993'],
  ['H11', 'a Content-Length beyond 2^64', 'Content-Length: 99999999999999999999999'],
  ['H12', 'identical Content-Lengths on two lines', 'Content-Length: 5\r\nContent-Length: 5'],
  ['H12', 'identical Content-Lengths in a list', 'Content-Length: 5, 5'],
  ['H13', 'contradicting Content-Lengths on two lines', 'Content-Length: 5\r\nContent-Length: 3'],
  ['H13', 'contradicting Content-Lengths in a list', 'Content-Length: 5, 3'],
  ['H14', 'Transfer-Encoding behind Content-Length', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
  ['H14', 'Transfer-Encoding before Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length: 5'],
  ['H15', 'chunked that is not last', 'Transfer-Encoding: chunked, gzip'],
  ['H15', 'gzip, chunked unasked', 'Transfer-Encoding: gzip, chunked'],
  ['H15', 'identity', 'Transfer-Encoding: identity'],
  ['H15', 'chunked twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
  ['H15', 'an empty Transfer-Encoding', 'Transfer-Encoding: '],
  ['H17', 'NUL in a header', 'X: a\0b\r\nContent-Length: 5'],
  ['H17', 'a stray CR', 'X: a\rb\r\nContent-Length: 5'],
  ['H17', 'a line without colon', 'no colon here\r\nContent-Length: 5'],
  ['H17', 'a blank before the colon', 'Content-Length : 5'],
  ['H21', 'a folded header line', 'X: a\r\n b\r\nContent-Length: 5'],
];

conformance('a header block that breaks HTTP', HTTP1, (it) => {
  it.for(BROKEN)('%s: %s is a ProtocolError', async ([, , lines], { origin, source }) => {
    const wire = lines.includes('chunked') ? '5\r\nhello\r\n0\r\n\r\n' : 'hello';
    origin.on('/f', { raw: Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n${wire}`, 'latin1') });

    expect(await source.refusal('/f')).toMatchObject({ name: 'ProtocolError', retryable: false });
  });

  it.for([
    ['H20', 'HTTP/0.9', 'hello'],
    ['H20', 'a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['H20', 'a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['H20', 'another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['H20', 'a version that does not exist', 'HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['H21', 'bare LF as line end', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'],
  ])('%s: %s is a ProtocolError', async ([, , raw], { origin, source }) => {
    origin.on('/f', { raw });

    expect(await source.refusal('/f')).toMatchObject({ name: 'ProtocolError' });
  });

  it('H18: more than 64 KiB of headers are HeadersTooLarge, less are fine', async ({ origin, source }) => {
    const line = `y: ${'z'.repeat(997)}`;
    origin.on('/large', { raw: `HTTP/1.1 200 OK\r\n${`${line}\r\n`.repeat(70)}Content-Length: 0\r\n\r\n` });
    origin.on('/fine', { raw: `HTTP/1.1 200 OK\r\n${`${line}\r\n`.repeat(60)}Content-Length: 0\r\n\r\n` });

    expect(await source.refusal('/large')).toMatchObject({ name: 'HeadersTooLarge' });
    expect((await source.read('/fine')).error).toBeUndefined();
  });
});

conformance('interim responses', HTTP1, (it, backend) => {
  it('H19: 103 before the answer is passed over', async ({ origin, source }) => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    origin.on('/f', { raw: `${early.repeat(3)}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello` });

    expect(String((await source.read('/f')).bytes)).toBe('hello');
  });

  it('H19: a storm of them is a ProtocolError', async ({ origin, source }) => {
    origin.on('/f', { raw: 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000) });

    expect(await source.refusal('/f')).toMatchObject({ name: 'ProtocolError' });
  });

  const { unsolicited } = differences;
  it(`H19: ${unsolicited.fault}: ${unsolicited[backend]}`, async ({ origin, source }) => {
    origin.on('/f', { raw: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' });

    expect(await source.outcome('/f')).toBe(unsolicited[backend]);
  });

  it('H19: 101 is never taken', async ({ origin, source }) => {
    origin.on('/f', { raw: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello' });

    expect(await source.refusal('/f')).toMatchObject({ name: 'ConnectionLost' });
  });
});

conformance('a status that has no body', HTTP1, (it) => {
  it.for([
    ['204', 'Content-Length: 5\r\n\r\nhello'],
    ['205', 'Content-Length: 5\r\n\r\nhello'],
    ['304', 'Content-Length: 5\r\n\r\nhello'],
    ['204', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'],
  ])(
    'H23: %s with one is no file, and its bytes are not the next response',
    async ([status, rest], { origin, source }) => {
      origin.on('/f', { raw: `HTTP/1.1 ${status} Odd\r\n${rest}` });
      origin.on('/next', { body: 'next' });
      const client = source.client();

      expect(await source.refusal('/f', { client })).toMatchObject({ name: 'UnexpectedStatus' });
      expect(String((await source.read('/next', { client })).bytes)).toBe('next');
    },
  );

  it('H23: 304 to our If-None-Match is an answer, with a length and a body too', async ({ origin, source }) => {
    origin.on('/f', { raw: 'HTTP/1.1 304 Same\r\nETag: "1"\r\nContent-Length: 5\r\n\r\n' });
    origin.on('/odd', { raw: 'HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\nhello' });
    origin.on('/next', { body: 'next' });
    const client = source.client();

    const same = await client.open(asked(origin.url('/f'), { ifNoneMatch: '"1"' }));
    const odd = await client.open(asked(origin.url('/odd'), { ifNoneMatch: '"1"' }));

    expect([same, odd]).toEqual([{ status: 304 }, { status: 304 }]);
    expect(origin.requests[0]?.headers['if-none-match']).toBe('"1"');
    expect(String((await source.read('/next', { client })).bytes)).toBe('next');
  });

  it('H23: 304 for another ETag than was asked for is a ProtocolError', async ({ origin, source }) => {
    origin.on('/f', { raw: 'HTTP/1.1 304 Same\r\nETag: "2"\r\n\r\n' });

    expect(await source.refusal('/f', { ifNoneMatch: '"1"' })).toMatchObject({ name: 'ProtocolError' });
  });
});

conformance('what is asked', EVERY_BACKEND, (it, backend) => {
  it('H50: identity is asked for; a coding that comes all the same is told, not undone', async ({ origin, source }) => {
    const coded = Buffer.from([0x1f, 0x8b, 8, 0, 0]);
    origin.on('/f', { headers: { 'Content-Encoding': 'gzip', ETag: '"1-gzip"' }, body: coded });

    const { opened, bytes } = await source.read('/f');

    expect(origin.requests[0]?.headers['accept-encoding']).toBe('identity');
    expect(opened.contentEncoding).toBe('gzip');
    expect(opened.validators.strongEtag).toBe('"1-gzip"');
    expect(bytes).toEqual(coded);
  });

  it('sends the headers of the item, its user agent before ours, and no others', async ({ origin, source }) => {
    origin.on('/f', {});
    const client = source.client();

    await source.read('/f', { client, headers: { Authorization: 'Bearer x', 'X-Own': 'ä' } });
    await source.read('/f', { client, headers: { 'User-Agent': 'own/1' } });

    expect(Object.keys(origin.requests[0]?.headers ?? {}).sort()).toEqual(
      [
        ...['accept', 'accept-encoding', 'authorization', 'user-agent', 'x-own'],
        ...(backend === 'h2' ? [] : ['connection', 'host']),
      ].sort(),
    );
    expect(origin.requests[0]?.headers).toMatchObject({ 'user-agent': 'skyhaul-test', authorization: 'Bearer x' });
    expect(origin.requests[1]?.headers['user-agent']).toBe('own/1');
  });

  it.for(['Host', 'range', 'Transfer-Encoding', 'Accept-Encoding'])(
    'refuses the header %s, which is ours to set',
    async (name, { origin, source }) => {
      expect(await source.refusal('/f', { headers: { [name]: 'x' } })).toMatchObject({ name: 'BatchInvalid' });
      expect(origin.requests).toEqual([]);
    },
  );

  it('keeps query and odd characters of the path', async ({ origin, source }) => {
    origin.on('/a%20b/%C3%A9', { body: 'x' });

    await source.read('/a b/é?q=1&sig=%2F#part');

    expect(origin.requests[0]?.path).toBe('/a%20b/%C3%A9?q=1&sig=%2F');
  });

  it('tells type and validators of what came', async ({ origin, source }) => {
    const modified = 'Tue, 03 Nov 2026 10:00:00 GMT';
    origin.on('/f', { headers: { 'Content-Type': 'text/csv; charset=x', ETag: 'W/"1"', 'Last-Modified': modified } });

    const { opened } = await source.read('/f');

    expect(opened).toMatchObject({ status: 200, contentType: 'text/csv; charset=x', contentEncoding: undefined });
    expect(opened.validators).toEqual({ strongEtag: undefined, weakEtag: 'W/"1"', lastModified: modified });
  });

  it('H71: user info in the URL is refused and shown to nobody', async ({ origin, source }) => {
    const error = await source.refusal(origin.url('/f').replace('//', '//user:secret@'));

    expect(error.name).toBe('UrlRefused');
    expect(JSON.stringify([error.message, error.details])).not.toMatch(/user:|secret/);
    expect(origin.requests).toEqual([]);
  });
});
