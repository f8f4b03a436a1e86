import { createServer } from 'node:net';
import { describe, expect, onTestFinished, it as plainIt } from 'vitest';
import { parseNetworks } from '../../lib/source/address-class.ts';
import { TunnelConnector } from '../../lib/source/proxy-tunnel.ts';
import type { ProxyScript } from '../support/connect-proxy.ts';
import { asked, conformance, EVERY_BACKEND, failureOf } from './fixture.ts';
import { everythingSaid, proxyOf, settingsOf, tls, until } from './proxy-fixture.ts';

const CANARY = 'canary-91ab';
const credentials = { username: 'me', password: CANARY };
const secrets = new RegExp(`${CANARY}|${Buffer.from(`me:${CANARY}`).toString('base64')}`);
const head = (status: number) => `HTTP/1.1 ${status} Because\r\nContent-Length: 2\r\n\r\nno`;

/** The port of a server that accepts and says nothing. */
async function silence(): Promise<{ port: number; connections: () => number }> {
  let open = 0;
  const server = createServer((socket) => {
    open += 1;
    socket.on('error', () => socket.destroy()).resume();
    socket.once('close', () => (open -= 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, connections: () => open };
}

conformance('a proxy that makes no tunnel', EVERY_BACKEND, (it) => {
  it.for<[string, ProxyScript, string, boolean]>([
    ['asks for other credentials', { raw: head(407) }, 'ProxyRefused', false],
    ['does not allow it', { raw: head(403) }, 'ProxyRefused', false],
    ['cannot reach the host', { raw: head(502) }, 'ProxyFailed', true],
    ['is busy', { raw: head(503), close: true }, 'ProxyFailed', true],
    ['speaks another protocol', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' }, 'ProxyFailed', true],
    ['answers nothing and goes', { raw: '', close: true }, 'ProxyFailed', true],
    ['goes in the middle of its answer', { raw: 'HTTP/1.1 200 O', close: true }, 'ProxyFailed', true],
    ['answers without end', { raw: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}` }, 'ProxyFailed', true],
    ['answers nothing and stays', { raw: '' }, 'ConnectTimeout', true],
    ['answers half and stays', { raw: 'HTTP/1.1 200 OK\r\n' }, 'ConnectTimeout', true],
  ])('%s, which leaves nothing open', async ([, script, name, retryable], { origin, source }) => {
    const proxy = await proxyOf({ answer: () => script });
    const client = source.client({ policy: { connectTimeoutMs: name === 'ConnectTimeout' ? 200 : 10_000 } });
    const opening = client.open({ ...asked(origin.url('/f?sig=canary')), proxy: settingsOf(proxy, { credentials }) });

    const error = await failureOf(opening);

    expect(error).toMatchObject({ name, retryable, details: { host: '127.0.0.1' } });
    expect(everythingSaid(error)).not.toMatch(secrets);
    await until(() => proxy.connections.open === 0);
    expect(origin.connections.total).toBe(0);
  });

  it('is not there: ConnectFailed, which says that it is about the proxy', async ({ origin, source }) => {
    const gone = await proxyOf();
    await gone.close().catch(() => undefined);
    const opening = source.client().open({ ...asked(origin.url('/f')), proxy: settingsOf(gone, { credentials }) });

    const error = await failureOf(opening);

    expect(error).toMatchObject({ name: 'ConnectFailed', retryable: true, details: { host: '127.0.0.1' } });
    expect(error.message).toContain('proxy');
    expect(everythingSaid(error)).not.toMatch(secrets);
  });

  it('does not exist: HostNotFound, which says that it is about the proxy', async ({ origin, source }) => {
    const lookup = async (host: string) => (host === 'a.test' ? [{ address: '127.0.0.1', family: 4 }] : []);
    const opening = source
      .client({ lookup })
      .open({ ...asked(origin.url('/f', 'a.test')), proxy: settingsOf('http://proxy.test:3128') });

    expect(await failureOf(opening)).toMatchObject({
      name: 'HostNotFound',
      message: expect.stringContaining('on the way to the proxy: proxy.test'),
      details: { host: 'a.test' },
    });
  });

  it('over TLS that is not trusted is TlsFailed, and is shown nothing', async ({ origin, source }) => {
    const proxy = await proxyOf({ tls });
    const opening = source
      .client({ ca: undefined })
      .open({ ...asked(origin.url('/f').replace('http:', 'https:')), proxy: settingsOf(proxy, { credentials }) });

    expect(await failureOf(opening)).toMatchObject({
      name: 'TlsFailed',
      message: expect.stringContaining('proxy'),
    });
    expect(proxy.asked).toEqual([]);
  });

  it('over TLS that never answers is ConnectTimeout', async ({ origin, source }) => {
    const { port, connections } = await silence();
    const client = source.client({ policy: { connectTimeoutMs: 200 } });
    const opening = client.open({ ...asked(origin.url('/f')), proxy: settingsOf(`https://127.0.0.1:${port}`) });

    expect((await failureOf(opening)).name).toBe('ConnectTimeout');
    await until(() => connections() === 0);
  });
});

conformance('what comes through a tunnel', EVERY_BACKEND, (it) => {
  it.for(['http', 'https'])('H26: TLS that never answers is ConnectTimeout (%s proxy)', async (scheme, { source }) => {
    const { port, connections } = await silence();
    const proxy = await proxyOf(scheme === 'https' ? { tls } : {});
    const client = source.client({ ca: tls.cert, policy: { connectTimeoutMs: 400 } });
    const opening = client.open({ ...asked(`https://127.0.0.1:${port}/`), proxy: settingsOf(proxy) });

    expect((await failureOf(opening)).name).toBe('ConnectTimeout');
    expect(proxy.asked).toHaveLength(1);
    await until(() => connections() === 0 && proxy.connections.open === 0);
  });

  it('H34: a certificate for another host is TlsFailed', async ({ source, startOther }) => {
    const [proxy, origin] = [await proxyOf(), await startOther({ '/f': { body: 'hello' } }, { tls })];
    const client = source.client({ ca: tls.cert, lookup: async () => [{ address: '127.0.0.1', family: 4 }] });
    const opening = client.open({ ...asked(origin.url('/f', 'c.test')), proxy: settingsOf(proxy) });

    expect(await failureOf(opening)).toMatchObject({ name: 'TlsFailed', details: { host: 'c.test' } });
    expect(origin.requests).toEqual([]);
    await until(() => proxy.connections.open === 0);
  });

  it('is an end without an answer where the target closes in the handshake', async ({ source }) => {
    const server = createServer((socket) => void socket.on('error', () => {}).once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const proxy = await proxyOf();
    const opening = source.client().open({ ...asked(`https://127.0.0.1:${port}/`), proxy: settingsOf(proxy) });

    expect((await failureOf(opening)).retryable).toBe(true);
    await until(() => proxy.connections.open === 0);
  });

  it.for([
    ['the lookup', async () => new Promise<never>(() => {}), 'a.test'],
    ['the answer of the proxy', undefined, '127.0.0.1'],
  ] as const)('is given up while %s is awaited', async ([, lookup, host], { origin, source }) => {
    const proxy = await proxyOf({ answer: () => ({ raw: '' }) });
    const client = source.client(lookup === undefined ? {} : { lookup });
    const controller = new AbortController();
    const signal = controller.signal;
    const opening = failureOf(client.open({ ...asked(origin.url('/f', host), {}, signal), proxy: settingsOf(proxy) }));
    if (lookup === undefined) await until(() => proxy.asked.length === 1);
    else await new Promise((resolve) => setTimeout(resolve, 30));

    controller.abort();

    expect((await opening).name).toBe('Interrupted');
    await client.close();
    await until(() => proxy.connections.open === 0);
    expect(origin.connections.total).toBe(0);
  });

  it.for(['http', 'https'])('is given up by close() while TLS is awaited (%s proxy)', async (scheme, { source }) => {
    const { port, connections } = await silence();
    const proxy = await proxyOf(scheme === 'https' ? { tls } : {});
    const client = source.client({ ca: tls.cert });
    const failure = failureOf(client.open({ ...asked(`https://127.0.0.1:${port}/`), proxy: settingsOf(proxy) }));
    await until(() => connections() === 1);

    await client.close();

    expect((await failure).name).toBe('Interrupted');
    await until(() => connections() === 0 && proxy.connections.open === 0);
  });
});

describe('a tunnel', () => {
  const connectThrough = async (
    url: string,
    port: string,
  ): Promise<{ tunnel: TunnelConnector; text: Promise<string> }> => {
    const allowed = parseNetworks(['127.0.0.0/8']);
    const tunnel = new TunnelConnector({ allowed, connectTimeoutMs: 5_000, proxy: settingsOf(url), userAgent: 'x' });
    const text = new Promise<string>((resolve, reject) => {
      tunnel.connect({ hostname: '127.0.0.1', host: `127.0.0.1:${port}`, protocol: 'http:', port }, (error, socket) => {
        if (error === null) socket.once('data', (chunk: Buffer) => resolve(String(chunk)));
        else reject(error);
      });
    });
    onTestFinished(() => tunnel.close());
    return { tunnel, text };
  };

  plainIt('begins with the bytes that came together with the answer', async () => {
    const proxy = await proxyOf({ answer: () => ({ raw: 'HTTP/1.1 200 OK\r\n\r\nhello' }) });

    expect(await (await connectThrough(proxy.url, '1025')).text).toBe('hello');
  });

  plainIt.for(['checked', 'proxy'] as const)(
    'is never asked for to a literal that is not public, whoever wants it (targets: %s)',
    async (targets) => {
      const proxy = await proxyOf();
      const allowed = parseNetworks(['127.0.0.1/32']);
      const settings = settingsOf(proxy, { targets });
      const tunnel = new TunnelConnector({ allowed, connectTimeoutMs: 5_000, proxy: settings, userAgent: 'x' });

      const connecting = new Promise((_resolve, reject) => {
        tunnel.connect({ hostname: '10.0.0.1', protocol: 'http:', port: '80' }, (...[error]) => {
          reject(error ?? new Error('it connected'));
        });
      });

      expect((await failureOf(connecting)).name).toBe('AddressRefused');
      expect(proxy.connections.total).toBe(0);
    },
  );

  plainIt('is made nowhere once it is closed', async () => {
    const proxy = await proxyOf();
    const { tunnel, text } = await connectThrough(proxy.url, '1');
    await failureOf(text);
    await tunnel.close();
    const { total } = proxy.connections;

    const after = new Promise((_resolve, reject) => {
      tunnel.connect({ hostname: '127.0.0.1', protocol: 'http:', port: '1' }, (...[error]) => {
        reject(error ?? new Error('it connected'));
      });
    });

    expect((await failureOf(after)).name).toBe('Interrupted');
    expect(proxy.connections.total).toBe(total);
  });
});
