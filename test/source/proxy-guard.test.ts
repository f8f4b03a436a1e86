import { expect } from 'vitest';
import { asked, conformance, EVERY_BACKEND, failureOf } from './fixture.ts';
import { proxyOf, readThrough, settingsOf } from './proxy-fixture.ts';

const answer = (...addresses: readonly string[]) =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const POLICIES = ['checked', 'proxy'] as const;

conformance('the address guard in front of a proxy', EVERY_BACKEND, (it) => {
  it.for(['127.0.0.1', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])(
    'refuses one at %s, which was not named',
    async (host, { origin, source }) => {
      const proxy = await proxyOf();
      const client = source.client({ allowNetworks: [], lookup: async () => answer('93.184.215.14') });
      const opening = client.open({ ...asked(origin.url('/f', 'a.test')), proxy: settingsOf(proxy.urlAt(host)) });

      const error = await failureOf(opening);

      expect(error).toMatchObject({ name: 'AddressRefused', message: expect.stringContaining('proxy') });
      expect(proxy.connections.total).toBe(0);
    },
  );

  it.for(POLICIES)('refuses one whose name leads to a private address (targets: %s)', async (targets, { source }) => {
    const proxy = await proxyOf();
    const client = source.client({
      allowNetworks: [],
      lookup: async (host) => (host === 'proxy.test' ? answer('93.184.215.14', '127.0.0.1') : answer('93.184.215.14')),
    });

    const settings = settingsOf(proxy.urlAt('proxy.test'), { targets });
    const error = await failureOf(client.open({ ...asked('https://a.test/f'), proxy: settings }));

    expect(error).toMatchObject({ name: 'AddressRefused', message: expect.stringContaining('proxy') });
    expect(proxy.connections.total).toBe(0);
  });

  it('refuses a scheme that is none of a proxy, and user info, without showing it', async ({ source }) => {
    for (const url of ['socks5://127.0.0.1:1080', 'http://me:canary@127.0.0.1:3128', 'http://127.0.0.1:22']) {
      const opening = source.client().open({ ...asked('https://a.test/f'), proxy: settingsOf(url) });

      const error = await failureOf(opening);

      expect(error).toMatchObject({ name: 'UrlRefused', message: expect.not.stringContaining('canary') });
    }
  });
});

conformance('the address guard behind a proxy', EVERY_BACKEND, (it) => {
  /** Only the proxy's own network is named. */
  const PROXY_ONLY = ['127.0.0.1/32'];

  for (const targets of POLICIES) {
    it.for(['127.0.0.2', '10.1.2.3', '169.254.169.254', '[fd00:ec2::254]', '[::ffff:10.0.0.1]'])(
      `refuses the literal %s (targets: ${targets})`,
      async (host, { origin, source }) => {
        const proxy = await proxyOf();
        const client = source.client({ allowNetworks: PROXY_ONLY });
        const opening = client.open({ ...asked(origin.url('/f', host)), proxy: settingsOf(proxy, { targets }) });

        expect((await failureOf(opening)).name).toBe('AddressRefused');
        expect([proxy.connections.total, origin.connections.total]).toEqual([0, 0]);
      },
    );

    it(`H59: refuses a redirect to a private address (targets: ${targets})`, async ({ origin, source, startOther }) => {
      const other = await startOther({ '/g': { body: 'secret' } }, { address: '127.0.0.2' });
      origin.on('/f', { status: 302, headers: { Location: other.url('/g') } });
      const proxy = await proxyOf();
      const client = source.client({ allowNetworks: PROXY_ONLY });
      const opening = client.open({ ...asked(origin.url('/f')), proxy: settingsOf(proxy, { targets }) });

      expect((await failureOf(opening)).name).toBe('AddressRefused');
      expect([proxy.asked.length, other.connections.total]).toEqual([1, 0]);
    });
  }

  it('refuses a name with a private answer before the proxy hears of it', async ({ origin, source }) => {
    const proxy = await proxyOf();
    const client = source.client({
      allowNetworks: PROXY_ONLY,
      lookup: async () => answer('93.184.215.14', '10.0.0.1'),
    });
    const opening = client.open({ ...asked(origin.url('/f', 'a.test')), proxy: settingsOf(proxy) });

    expect(await failureOf(opening)).toMatchObject({ name: 'AddressRefused', details: { host: 'a.test' } });
    expect(proxy.connections.total).toBe(0);
  });

  it('resolves once and names that answer, so that a second one cannot be another', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const answers = [answer('93.184.215.14'), answer('10.0.0.1')];
    const names: string[] = [];
    const lookup = async (host: string) => {
      names.push(host);
      return answers.shift() ?? [];
    };
    const proxy = await proxyOf();
    const client = source.client({ allowNetworks: PROXY_ONLY, lookup });
    const again = source.client({ allowNetworks: PROXY_ONLY, lookup });
    const url = origin.url('/f', 'a.test');

    const first = await readThrough(client, url, settingsOf(proxy));
    const second = await failureOf(again.open({ ...asked(url), proxy: settingsOf(proxy) }));

    expect([String(first.bytes), second.name, names]).toEqual(['hello', 'AddressRefused', ['a.test', 'a.test']]);
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([`93.184.215.14:${origin.port}`]);
  });

  it('leaves names to the proxy where that was said', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const proxy = await proxyOf();
    const lookup = async (host: string) => Promise.reject(new Error(`nobody asks for ${host}`));
    const client = source.client({ allowNetworks: PROXY_ONLY, lookup });

    const read = await readThrough(client, origin.url('/f', 'a.test'), settingsOf(proxy, { targets: 'proxy' }));

    expect(String(read.bytes)).toBe('hello');
    expect(proxy.asked.map(({ authority }) => authority)).toEqual([`a.test:${origin.port}`]);
  });

  it('names the next address where the proxy reaches the first one not, IPv4 first', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const raw = 'HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n';
    const proxy = await proxyOf({ answer: ({ authority }) => (authority.startsWith('[') ? {} : { raw }) });
    const lookup = async () => answer('2606:2800:21f::1', '93.184.215.14');
    const client = source.client({ allowNetworks: PROXY_ONLY, lookup });

    const read = await readThrough(client, origin.url('/f', 'a.test'), settingsOf(proxy));

    expect(String(read.bytes)).toBe('hello');
    const places = ['93.184.215.14', '[2606:2800:21f::1]'].map((place) => `${place}:${origin.port}`);
    expect(proxy.asked.map(({ authority }) => authority)).toEqual(places);
    expect(proxy.connections.open).toBe(1);
  });
});
