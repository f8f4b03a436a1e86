import { expect } from 'vitest';
import { makeCertificate } from '../support/origin-certificate.ts';
import { conformance, EVERY_BACKEND } from './fixture.ts';

const to = (location: string, status = 302) => ({ status, headers: { Location: location }, body: 'moved' });

conformance('redirects that are followed', EVERY_BACKEND, (it) => {
  it.for([301, 302, 303, 307, 308])('H53: %i', async (status, { origin, source }) => {
    origin.on('/a', to('/b', status));
    origin.on('/b', { body: 'hello' });

    const { opened, bytes } = await source.read('/a');

    expect(String(bytes)).toBe('hello');
    expect(opened.finalUrl.href).toBe(origin.url('/b'));
    expect(origin.requests.map((request) => request.method)).toEqual(['GET', 'GET']);
  });

  it('H53: a chain of ten, on one connection', async ({ origin, source }) => {
    for (let hop = 0; hop < 10; hop += 1) origin.on(`/${hop}`, to(`/${hop + 1}`));
    origin.on('/10', { body: 'hello' });

    expect(String((await source.read('/0')).bytes)).toBe('hello');
    expect(origin.connections.total).toBe(1);
  });

  it('H55: to itself, with the same URL, as long as the count allows', async ({ origin, source }) => {
    origin.on('/a', [to('/a'), to('/a'), { body: 'hello' }]);

    expect(String((await source.read('/a')).bytes)).toBe('hello');
  });

  it.for<[string, string, string]>([
    ['relative', 'c?x=1', '/dir/c?x=1'],
    ['dotted', '../up', '/up'],
    ['query only', '?page=2', '/dir/a?page=2'],
    ['with a fragment', '/c#part', '/c'],
    ['with spaces', '/a b', '/a%20b'],
    ['in raw UTF-8', Buffer.from('/é').toString('latin1'), '/%C3%A9'],
  ])('H61: %s', async ([, location, path], { origin, source }) => {
    origin.on('/dir/a', (request) =>
      request.path === path ? { body: 'hello' } : { status: 302, headers: { Location: location } },
    );
    origin.on(path, { body: 'hello' });

    expect(String((await source.read('/dir/a')).bytes)).toBe('hello');
    expect(origin.requests.at(-1)?.path).toBe(path);
  });
});

conformance('redirects that are refused', EVERY_BACKEND, (it) => {
  it('H54: a loop ends as TooManyRedirects and stores none of its bodies', async ({ origin, source }) => {
    origin.on('/a', to('/b'));
    origin.on('/b', to('/a'));

    expect((await source.refusal('/a')).name).toBe('TooManyRedirects');
    expect(origin.requests.length).toBe(11);
  });

  it('H54: none is followed when none is allowed', async ({ origin, source }) => {
    origin.on('/a', to('/b'));
    const client = source.client({ policy: { maxRedirects: 0 } });

    expect((await source.refusal('/a', { client })).name).toBe('TooManyRedirects');
  });

  it.for(['file:///etc/passwd', 'ftp://127.0.0.1/x', 'data:text/plain,x', 'gopher://127.0.0.1:70/', 'javascript:1'])(
    'H58: to %s',
    async (location, { origin, source }) => {
      origin.on('/a', to(location));

      expect((await source.refusal('/a')).name).toBe('RedirectRefused');
    },
  );

  it.for(['http://10.0.0.1/', 'http://169.254.169.254/latest/', 'http://[::1]:8080/', 'http://0xa000001/'])(
    'H59: to %s, before anything connects',
    async (location, { origin, source }) => {
      origin.on('/a', to(location.replace('http:', new URL(origin.url('/')).protocol)));

      expect((await source.refusal('/a')).name).toBe('AddressRefused');
      expect(origin.requests.length).toBe(1);
    },
  );

  it('H59: to a name that resolves to a private address', async ({ origin, source }) => {
    origin.on('/a', to('https://inside.test:8080/'));
    const client = source.client({ lookup: async () => [{ address: '10.0.0.1', family: 4 }] });

    expect((await source.refusal('/a', { client })).name).toBe('AddressRefused');
  });

  it('H57: from https to http', async ({ origin, source, startOther }) => {
    origin.on('/f', { body: 'hello' });
    const tls = makeCertificate();
    const secure = await startOther({ '/a': to(origin.url('/f').replace('https:', 'http:')) }, { tls });

    const error = await source.refusal(secure.url('/a'), { client: source.client({ ca: tls.cert }) });

    expect(error.name).toBe('RedirectRefused');
    expect(origin.requests).toEqual([]);
  });

  it.for([
    ['without Location', {}],
    ['with an empty one', { Location: '' }],
    ['with two of them', { Location: ['/b', '/c'] }],
    ['to no host', { Location: 'https:////' }],
    ['to a URL with user info', { Location: 'https://user:secret@127.0.0.1/' }],
    ['to a low port', { Location: 'https://127.0.0.1:22/' }],
  ] as const)('H61: %s', async ([, headers], { origin, source }) => {
    origin.on('/a', { status: 302, headers });

    const error = await source.refusal('/a');

    expect(error.name).toBe('RedirectRefused');
    expect(error.message).not.toContain('secret');
  });
});

conformance('what a redirect carries along', EVERY_BACKEND, (it) => {
  const secrets = { Authorization: 'Bearer secret', Cookie: 'a=secret', 'X-Api-Key': 'secret' };

  it('H56: the headers of the item stay on its origin', async ({ origin, source, startOther }) => {
    const other = await startOther({ '/b': to('/c'), '/c': { body: 'hello' } });
    origin.on('/a', to('/a2'));
    origin.on('/a2', to(other.url('/b')));

    await source.read('/a', { headers: secrets });

    expect(origin.requests[1]?.headers).toMatchObject({ authorization: 'Bearer secret', 'x-api-key': 'secret' });
    for (const { raw } of other.requests) expect(raw).not.toContain('secret');
    expect(other.requests[1]?.headers['user-agent']).toBe('skyhaul-test');
  });

  it('H56: and do not come back when the way leads back', async ({ origin, source, startOther }) => {
    const other = await startOther();
    other.on('/b', to(origin.url('/c')));
    origin.on('/a', to(other.url('/b')));
    origin.on('/c', { body: 'hello' });

    await source.read('/a', { headers: secrets });

    expect(origin.requests[1]?.raw).not.toContain('secret');
  });

  it('H54: a large body of a redirect costs its connection, not its bytes', async ({ origin, source }) => {
    origin.on('/a', { status: 302, headers: { Location: '/b' }, body: { seed: 1, bytes: 500_000_000 } });
    origin.on('/b', { body: 'hello' });

    expect(String((await source.read('/a')).bytes)).toBe('hello');
    expect(origin.connections.total).toBe(2);
  });

  it('H54: so does one that never ends', async ({ origin, source }) => {
    origin.on('/a', { ...to('/b'), contentLength: 6_000, stall: { afterBytes: 5 } });
    origin.on('/b', { body: 'hello' });

    expect(String((await source.read('/a')).bytes)).toBe('hello');
    expect(origin.connections.total).toBe(2);
  });
});
