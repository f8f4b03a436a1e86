import { describe, expect } from 'vitest';
import { ranged } from '../support/origin-ranges.ts';
import { asked, conformance, EVERY_BACKEND, failureOf, HTTP1, readAll, withBody } from './fixture.ts';
import { proxyOf, readThrough, settingsOf, tls, until } from './proxy-fixture.ts';

const everyNameIsLocal = async () => [{ address: '127.0.0.1', family: 4 }];

describe.for(['http', 'https'])('an %s proxy', (scheme) => {
  const options = scheme === 'https' ? { tls } : {};

  conformance('in front of TLS', EVERY_BACKEND, (it) => {
    it('is given the address that was vetted; the server sees its name', async ({ source, startOther }) => {
      const [proxy, origin] = [await proxyOf(options), await startOther({ '/f': { body: 'hello' } }, { tls })];
      const client = source.client({ ca: tls.cert, lookup: everyNameIsLocal });

      const read = await readThrough(client, origin.url('/f', 'a.test'), settingsOf(proxy.urlAt('proxy.test')));

      expect([String(read.bytes), read.error]).toEqual(['hello', undefined]);
      expect(proxy.asked.map(({ authority }) => authority)).toEqual([`127.0.0.1:${origin.port}`]);
      expect(origin.requests.map(({ host }) => host)).toEqual(['a.test']);
    });

    it('carries one file after another in one tunnel, small and large', async ({ source, startOther }) => {
      const routes = { '/f': { body: 'hello' }, '/g': { body: { seed: 1, bytes: 3_000_000 } } };
      const [proxy, origin] = [await proxyOf(options), await startOther(routes, { tls })];
      const client = source.client({ ca: tls.cert });

      for (let round = 0; round < 3; round += 1) {
        expect(String((await readThrough(client, origin.url('/f'), settingsOf(proxy))).bytes)).toBe('hello');
        expect((await readThrough(client, origin.url('/g'), settingsOf(proxy))).bytes).toHaveLength(3_000_000);
      }

      expect([proxy.asked.length, proxy.connections.total, origin.connections.total]).toEqual([1, 1, 1]);
    });

    it('H02: that resets the tunnel in the middle is ConnectionLost, and the rest is to be had', async ({
      source,
      startOther,
    }) => {
      const [proxy, origin] = [await proxyOf(options), await startOther({}, { tls })];
      const serve = ranged({ seed: 1, bytes: 1_000_000 }, '"1"');
      origin.on('/f', (request) => ({ ...serve(request), stall: { afterBytes: 300_000, forMs: 200 } }));
      const client = source.client({ ca: tls.cert });
      const opened = withBody(await client.open({ ...asked(origin.url('/f')), proxy: settingsOf(proxy) }));
      let bytes = 0;
      const reading = (async () => {
        for await (const chunk of opened.body) {
          bytes += chunk.length;
          if (bytes >= 250_000) proxy.cut();
        }
      })();

      expect((await failureOf(reading)).name).toBe('ConnectionLost');
      const version = { etag: '"1"', bytes: 1_000_000 };
      const resumed = await client.resume({
        ...asked(origin.url('/f')),
        proxy: settingsOf(proxy),
        version,
        from: bytes,
      });

      if (resumed.kind !== 'rest') throw new Error(resumed.kind);
      let rest = 0;
      for await (const chunk of resumed.source.body) rest += chunk.length;
      expect(bytes + rest).toBe(1_000_000);
      expect(proxy.connections.total).toBe(2);
    });

    it('leaves no socket behind close(), with a body under way', async ({ source, startOther }) => {
      const [proxy, origin] = [await proxyOf(options), await startOther({}, { tls })];
      origin.on('/large', { body: { seed: 1, bytes: 50_000_000 } });
      const client = source.client({ ca: tls.cert });
      const opened = withBody(await client.open({ ...asked(origin.url('/large')), proxy: settingsOf(proxy) }));

      await client.close();

      const reading = (async () => {
        for await (const _ of opened.body);
      })();
      expect((await failureOf(reading)).name).toBe('Interrupted');
      await until(() => proxy.connections.open === 0 && origin.connections.open === 0);
      const again = client.open({ ...asked(origin.url('/large')), proxy: settingsOf(proxy) });
      expect((await failureOf(again)).name).toBe('Interrupted');
      expect(proxy.connections.total).toBe(1);
    });
  });

  conformance('in front of plain HTTP', HTTP1, (it) => {
    it('is asked for a tunnel all the same', async ({ origin, source }) => {
      origin.on('/f', { body: { seed: 1, bytes: 300_000 } });
      const proxy = await proxyOf(options);
      const client = source.client({ ca: tls.cert });

      const reads = [
        await readThrough(client, origin.url('/f'), settingsOf(proxy)),
        await readThrough(client, origin.url('/f'), settingsOf(proxy)),
      ];

      expect(reads.map(({ bytes }) => bytes.length)).toEqual([300_000, 300_000]);
      expect(proxy.asked.map(({ authority }) => authority)).toEqual([`127.0.0.1:${origin.port}`]);
      expect(origin.requests.map(({ path }) => path)).toEqual(['/f', '/f']);
    });

    it('leaves no socket behind close(), kept or in use', async ({ origin, source }) => {
      origin.on('/f', { body: 'hello' });
      const proxy = await proxyOf(options);
      const client = source.client({ ca: tls.cert });
      await readThrough(client, origin.url('/f'), settingsOf(proxy));

      await client.close();

      await until(() => proxy.connections.open === 0 && origin.connections.open === 0);
    });
  });
});

conformance('a proxy', EVERY_BACKEND, (it) => {
  const credentials = { username: 'me', password: 'canary-7c1f' };
  const sent = `Basic ${Buffer.from('me:canary-7c1f').toString('base64')}`;

  it('is shown its credentials, and nobody else is', async ({ origin, source, startOther }) => {
    const other = await startOther({ '/g': { body: 'hello' } });
    origin.on('/f', { status: 302, headers: { Location: other.url('/g') } });
    const proxy = await proxyOf();
    const client = source.client();

    await readThrough(client, origin.url('/f'), settingsOf(proxy, { credentials }), { authorization: 'Bearer mine' });

    expect(proxy.asked).toHaveLength(2);
    for (const { raw } of proxy.asked) {
      expect(raw).toContain(`\r\nProxy-Authorization: ${sent}`);
      expect(raw).not.toContain('Bearer');
    }
    const seen = [...origin.requests, ...other.requests].map(({ raw, headers }) => `${raw}${JSON.stringify(headers)}`);
    expect(seen).toHaveLength(2);
    expect(seen.join('')).not.toMatch(/proxy-|Basic/i);
  });

  it('is shown none where there are none', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const proxy = await proxyOf();

    await readThrough(source.client(), origin.url('/f'), settingsOf(proxy));

    expect(proxy.asked[0]?.raw.split('\r\n')).toEqual([
      `CONNECT 127.0.0.1:${origin.port} HTTP/1.1`,
      `Host: 127.0.0.1:${origin.port}`,
      'User-Agent: skyhaul-test',
    ]);
  });

  it('is not shown the certificate that is for the origin', async ({ source, startOther }) => {
    const asking = { ...tls, ca: tls.cert, requestCert: true, rejectUnauthorized: false };
    const [proxy, origin] = [await proxyOf({ tls: asking }), await startOther({ '/f': { body: 'hello' } }, { tls })];
    const settings = { ca: tls.cert, clientCertificate: tls };

    const opened = await source.client().open({ ...asked(origin.url('/f')), tls: settings, proxy: settingsOf(proxy) });

    expect(String((await readAll(withBody(opened))).bytes)).toBe('hello');
    expect(proxy.asked.map(({ hasCertificate }) => hasCertificate)).toEqual([false]);
  });

  it('is used wherever redirects lead', async ({ origin, source, startOther }) => {
    const other = await startOther({ '/g': { body: 'there' } });
    origin.on('/f', { status: 302, headers: { Location: other.url('/g', 'b.test') } });
    const proxy = await proxyOf();
    const client = source.client({ lookup: everyNameIsLocal });

    const read = await readThrough(client, origin.url('/f', 'a.test'), settingsOf(proxy));

    expect(String(read.bytes)).toBe('there');
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([
      `127.0.0.1:${origin.port}`,
      `127.0.0.1:${other.port}`,
    ]);
  });

  it('with another setting never shares a connection', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const [first, second] = [await proxyOf(), await proxyOf()];
    const client = source.client();
    const read = (proxy?: ReturnType<typeof settingsOf>) =>
      client.open({ ...asked(origin.url('/f')), proxy }).then(async (opened) => {
        for await (const _ of withBody(opened).body);
      });

    await read(settingsOf(first));
    await read(settingsOf(first, { credentials }));
    await read(settingsOf(second));
    await read();
    await read(settingsOf(second));

    expect([first.asked.length, second.asked.length, origin.connections.total]).toEqual([2, 2, 5]);
  });

  it('may send interim answers, and fields that mean nothing of a tunnel', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const interim = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n';
    const head = `${interim}HTTP/1.0 200 Yes\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const proxy = await proxyOf({ answer: () => ({ head }) });

    const read = await readThrough(source.client(), origin.url('/f'), settingsOf(proxy));

    expect(String(read.bytes)).toBe('hello');
  });
});
