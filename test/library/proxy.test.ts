import { describe, expect, onTestFinished } from 'vitest';
import { download } from '../../lib/library/download.ts';
import { stream } from '../../lib/library/stream.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { collect, impatient, it, local, until } from './fixture.ts';

const BODY = bytesOf('proxy', 400_000);

async function proxyOf() {
  const proxy = await startConnectProxy();
  onTestFinished(() => proxy.close());
  return proxy;
}

describe('a proxy in the library', () => {
  it('carries a stream, which goes on behind a reset as if nothing were', async ({ origin }) => {
    const proxy = await proxyOf();
    let asked = 0;
    origin.on('/f', (request) => {
      asked += 1;
      if (asked === 1) setTimeout(() => proxy.cut(), 100);
      return { ...ranged(BODY, '"1"')(request), ...(asked === 1 && { stall: { afterBytes: 150_000 } }) };
    });
    const options = { ...local, request: { proxy: { url: proxy.url, username: 'me', password: 'pw' } } };

    const pieces = await collect(await stream(origin.url('/f'), options, impatient));

    expect(Buffer.concat(pieces).equals(BODY)).toBe(true);
    expect(proxy.asked).toHaveLength(2);
    await until(() => proxy.connections.open === 0 && origin.connections.open === 0);
  });

  it('is told apart from the source where it is the one that fails', async ({ origin, to }) => {
    const proxy = await startConnectProxy({ answer: () => ({ raw: 'HTTP/1.1 403 No\r\n\r\n' }) });
    onTestFinished(() => proxy.close());

    const outcome = await download(origin.url('/f'), { ...local, to, request: { proxy: proxy.url } });

    expect(outcome).toMatchObject({ error: 'ProxyRefused', message: expect.stringContaining(new URL(proxy.url).host) });
    expect(origin.connections.total).toBe(0);
  });
});
