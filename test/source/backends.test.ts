import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { startOrigin } from '../support/origin.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { ranged } from '../support/origin-ranges.ts';
import { type Difference, differences } from './back-end-differences.ts';
import { asked, conformance, EVERY_BACKEND, HTTP1, openAt, it as plainIt, readAll } from './fixture.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

conformance('a connection that is kept', HTTP1, (it) => {
  it('H10: with bytes behind the response is not used again, and they answer nothing', async ({ origin, source }) => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const good = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
    origin.on('/f', { raw: good + evil, stall: { afterBytes: good.length, forMs: 50 } });
    origin.on('/next', { body: 'next' });
    const client = source.client();

    expect(String((await source.read('/f', { client })).bytes)).toBe('hello');
    await pause(150);
    expect(String((await source.read('/next', { client })).bytes)).toBe('next');
    expect(origin.connections).toMatchObject({ total: 2, max: 1 });
  });

  it('H18: thousands of small headers are all read, the length behind them too', async ({ origin, source }) => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`y${index}`, '']));
    origin.on('/f', { headers: many, body: 'hello', cut: { afterBytes: 3, by: 'fin' } });

    const { opened, error } = await source.read('/f');

    expect([opened.framing, error?.name]).toEqual([{ kind: 'length', bytes: 5 }, 'ConnectionLost']);
  });
});

conformance('requests that wait for their turn', EVERY_BACKEND, (it) => {
  it('are given up without being sent', async ({ origin, source }) => {
    origin.on('/first', { body: 'hello', delayMs: 200 });
    origin.on('/never', { body: 'never' });
    const client = source.client();
    const controller = new AbortController();
    const first = openAt(client, origin.url('/first'));
    const never = client.open(asked(origin.url('/never'), {}, controller.signal));
    never.catch(() => {});
    while (origin.requests.length === 0) await pause(5);

    controller.abort();

    await expect(never).rejects.toMatchObject({ name: 'Interrupted' });
    expect(String((await readAll(await first)).bytes)).toBe('hello');
    expect(String((await source.read('/first', { client })).bytes)).toBe('hello');
    expect(origin.requests.map(({ path }) => path)).toEqual(['/first', '/first']);
  });
});

describe('the choice of a back-end', () => {
  const tls = makeCertificate();

  plainIt('is per request, and still one connection at a time', async ({ source }) => {
    const origin = await startOrigin({ '/f': { body: 'hello' } }, { tls });
    const client = source.client({ ca: tls.cert });

    for (const backend of ['node', 'undici', 'auto', 'node', 'node'] as const) {
      const opened = await client.open({ ...asked(origin.url('/f')), backend });
      if (!('body' in opened)) throw new Error('304');
      expect(String((await readAll(opened)).bytes)).toBe('hello');
    }

    expect(origin.connections).toMatchObject({ total: 3, max: 1 });
    await origin.close();
  });

  plainIt('goes along on redirects and where a transfer goes on', async ({ source }) => {
    const origin = await startOrigin({ '/a': { status: 302, headers: { Location: '/b' } } }, { tls, http2: true });
    origin.on('/b', ranged('hello', '"1"'));
    const client = source.client({ ca: tls.cert });

    const resumed = await client.resume({
      ...asked(origin.url('/a')),
      backend: 'h2',
      version: { etag: '"1"', bytes: 5 },
      from: 1,
    });

    expect(resumed.kind).toBe('rest');
    expect(origin.requests.map(({ path }) => path)).toEqual(['/a', '/b']);
    await origin.close();
  });

  plainIt.for(['undici', 'node'] as const)(
    'reads http: and a host of HTTP/1.1 only, over %s',
    async (backend, { origin, source }) => {
      const secure = await startOrigin({ '/f': { body: 'hello' } }, { tls: { ...tls, ALPNProtocols: ['http/1.1'] } });
      origin.on('/f', { body: 'hello' });
      const client = source.client({ ca: tls.cert, backend });

      expect(await source.outcome('/f', { client })).toBe(differences.plainHttp[backend]);
      expect(await source.outcome(secure.url('/f'), { client })).toBe(differences.noHttp2[backend]);
      await secure.close();
    },
  );
});

describe('docs/backends.md', () => {
  plainIt('shows the differences that the tests expect, and no others', () => {
    const cells = readFileSync('docs/backends.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split('|').slice(1, -1));
    const rows: readonly Difference[] = Object.values(differences);

    expect(cells.slice(2).map((row) => row.map((cell) => cell.trim()))).toEqual(
      rows.map(({ fault, row, undici, node, h2 }) => [fault, row, undici, node, h2]),
    );
  });
});
