import { EventEmitter } from 'node:events';
import type { LookupFunction } from 'node:net';
import type { buildConnector } from 'undici';
import { describe, expect, it as plainIt } from 'vitest';
import { parseNetworks } from '../../lib/source/address-class.ts';
import { GuardedConnector } from '../../lib/source/guarded-connect.ts';
import { conformance, EVERY_BACKEND, failureOf } from './fixture.ts';

const answer = (...addresses: readonly string[]) =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

/** The 16 spellings of loopback that go past a lookup, because none is made for them. */
const LOOPBACK_SPELLINGS = [
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0x7f.0x0.0x0.0x1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '１２７.０.０.１',
];

conformance('the address guard', EVERY_BACKEND, (it) => {
  it.for(LOOPBACK_SPELLINGS)('refuses the literal %s without connecting', async (host, { origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client({ allowNetworks: [] });

    expect(await source.refusal(origin.url('/f', host), { client })).toMatchObject({ name: 'AddressRefused' });
    expect(origin.connections.total).toBe(0);
  });

  it('I9: refuses a name that resolves to a private address', async ({ origin, source }) => {
    const client = source.client({ allowNetworks: [], lookup: async () => answer('127.0.0.1') });

    const error = await source.refusal(origin.url('/f', 'public.test'), { client });

    expect(error).toMatchObject({ name: 'AddressRefused', retryable: false, details: { host: 'public.test' } });
    expect(origin.connections.total).toBe(0);
  });

  it('refuses a name as a whole when one of its answers is private', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client({
      allowNetworks: ['127.0.0.1/32'],
      lookup: async () => answer('127.0.0.1', '127.0.0.2'),
    });

    expect(await source.refusal(origin.url('/f', 'a.test'), { client })).toMatchObject({ name: 'AddressRefused' });
    expect(origin.connections.total).toBe(0);
  });

  it('resolves once for a connection, so that a second answer cannot be another one', async ({
    origin,
    source,
    startOther,
  }) => {
    origin.on('/f', { body: 'hello', close: true });
    const other = await startOther({}, { address: '127.0.0.2' });
    const answers = [answer('127.0.0.1'), answer('127.0.0.2')];
    const asked: string[] = [];
    const client = source.client({
      allowNetworks: ['127.0.0.1/32'],
      lookup: async (host) => {
        asked.push(host);
        return answers.shift() ?? [];
      },
    });

    const first = await source.read(origin.url('/f', 'b.test'), { client });
    const second = await source.refusal(origin.url('/f', 'b.test'), { client });

    expect([String(first.bytes), second.name, asked.length]).toEqual(['hello', 'AddressRefused', 2]);
    expect(other.connections.total).toBe(0);
  });

  it('lets through the networks that were named, and only them', async ({ origin, source, startOther }) => {
    origin.on('/f', { body: 'hello' });
    const other = await startOther({ '/f': { body: 'other' } }, { address: '127.0.0.2' });
    const client = source.client({ allowNetworks: ['127.0.0.1/32'] });

    expect(String((await source.read(origin.url('/f'), { client })).bytes)).toBe('hello');
    expect((await source.refusal(other.url('/f'), { client })).name).toBe('AddressRefused');
    expect(other.connections.total).toBe(0);
  });

  it('lets localhost through with 127.0.0.0/8, though it has an IPv6 address too', async ({ origin, source }) => {
    origin.on('/f', { body: 'hello' });
    const client = source.client({ lookup: async () => answer('::1', '127.0.0.1') });

    const read = await source.read(origin.url('/f', 'localhost'), { client });
    const real = await source.read(origin.url('/f', 'localhost'));

    expect([String(read.bytes), String(real.bytes)]).toEqual(['hello', 'hello']);
  });

  it.for([
    ['ENOTFOUND', 'HostNotFound', false],
    ['EAI_AGAIN', 'DnsUnavailable', true],
    ['EAI_FAIL', 'DnsUnavailable', true],
  ] as const)('H32: a lookup that ends with %s is %s', async ([code, name, retryable], { source }) => {
    const lookup = async () => {
      throw Object.assign(new Error('lookup'), { code, syscall: 'getaddrinfo' });
    };

    const error = await source.refusal('https://a.test/', { client: source.client({ lookup }) });

    expect(error).toMatchObject({ name, retryable, details: { host: 'a.test' } });
  });

  it('H32: a name without an address is HostNotFound', async ({ source }) => {
    const client = source.client({ lookup: async () => [] });

    expect((await source.refusal('https://a.test/', { client })).name).toBe('HostNotFound');
  });

  it('H32: uses the IPv6 address when there is no other', async ({ source }) => {
    const asked: string[] = [];
    const client = source.client({
      allowNetworks: ['::1/128'],
      lookup: async (host) => {
        asked.push(host);
        return answer('::1');
      },
    });

    // Nobody listens there (or the machine has no IPv6); what counts is that the guard let it try.
    expect((await source.refusal('https://six.test:1024/', { client })).name).toBe('ConnectFailed');
    expect(asked).toEqual(['six.test']);
  });

  it('refuses allowed networks that are none, before anything else', ({ source }) => {
    expect(() => source.client({ allowNetworks: ['10.0.0.0'] })).toThrow(/"10\.0\.0\.0"/);
  });
});

/** A connector that never touches the network: it hands out a socket which claims to have reached `address`. */
class PretendedSocket extends EventEmitter {
  connecting = true;
  destroyedWith: unknown;
  written = 0;
  readonly remoteAddress: string;

  constructor(address: string) {
    super();
    this.remoteAddress = address;
  }

  destroy(error?: Error): void {
    this.destroyedWith = error;
    queueMicrotask(() => this.emit('close'));
  }
}

function pretend(reaches: string) {
  const socket = new PretendedSocket(reaches);
  const seen: { lookup?: LookupFunction; connects: number } = { connects: 0 };
  const build = (options: buildConnector.BuildOptions): buildConnector.connector => {
    seen.lookup = (options as { lookup?: LookupFunction }).lookup;
    return (_target, callback) => {
      seen.connects += 1;
      // As TLS does, which listens first and then writes, unless its socket is gone.
      socket.once('connect', () => {
        if (socket.destroyedWith === undefined) socket.written += 1;
      });
      queueMicrotask(() => {
        socket.emit('connect');
        callback(null, socket as never);
      });
      return socket;
    };
  };
  return { socket, seen, build };
}

function connectTo(host: string, build: ReturnType<typeof pretend>['build'], allow: readonly string[] = []) {
  const guard = new GuardedConnector({ allowed: parseNetworks(allow), connectTimeoutMs: 1_000, build });
  return new Promise((resolve, reject) => {
    guard.connect({ hostname: host, protocol: 'https:', port: '443' }, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

describe('the address guard, on a connector without a network', () => {
  plainIt('destroys a socket that reached a private address before a byte is written', async () => {
    const { socket, build } = pretend('10.1.2.3');

    const error = await failureOf(connectTo('public.example', build));

    expect(error).toMatchObject({ name: 'AddressRefused', details: { host: 'public.example' } });
    expect([socket.destroyedWith, socket.written]).toEqual([expect.anything(), 0]);
  });

  plainIt('hands over a socket that reached a public one', async () => {
    const { socket, build } = pretend('93.184.215.14');

    expect(await connectTo('public.example', build)).toBe(socket);
    expect([socket.destroyedWith, socket.written]).toEqual([undefined, 1]);
  });

  plainIt.for(['10.0.0.1', '169.254.169.254', '::1', 'fd00:ec2::254', '168.63.129.16'])(
    'never starts to connect to the literal %s',
    async (host) => {
      const { seen, build } = pretend(host);

      expect((await failureOf(connectTo(host, build))).name).toBe('AddressRefused');
      expect(seen.connects).toBe(0);
    },
  );

  plainIt('connects nowhere once it is closed', async () => {
    const { seen, build } = pretend('93.184.215.14');
    const guard = new GuardedConnector({ allowed: [], connectTimeoutMs: 1_000, build });
    await guard.close();

    const connecting = new Promise((_resolve, reject) => {
      guard.connect({ hostname: 'public.example', protocol: 'https:', port: '443' }, (...[error]) => {
        reject(error ?? new Error('it connected'));
      });
    });

    expect((await failureOf(connecting)).name).toBe('Interrupted');
    expect(seen.connects).toBe(0);
  });

  plainIt.for([true, false])('answers a lookup in the form that was asked for (all: %s)', async (all) => {
    const { seen, build } = pretend('93.184.215.14');
    const answers = answer('93.184.215.14', '2606:2800:21f::1');
    new GuardedConnector({ allowed: [], connectTimeoutMs: 1_000, build, lookup: async () => answers });

    const given = await new Promise((resolve) => {
      seen.lookup?.('public.example', { all }, (...results) => resolve(results));
    });

    expect(given).toEqual(all ? [null, answers] : [null, '93.184.215.14', 4]);
  });
});
