import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import type { Vault } from '../../lib/transfer/secrets.ts';
import { type ProxyOptions, startConnectProxy } from '../support/connect-proxy.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { makeCertificate } from '../support/origin-certificate.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it, type Rig } from '../support/run-context.ts';
import { ask, serveTls } from './request-fixture.ts';

const CANARY = 'canary-3e9a';
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

async function proxyOf(options: ProxyOptions = {}) {
  const proxy = await startConnectProxy(options);
  onTestFinished(() => proxy.close());
  return proxy;
}

/** Everything that a run leaves behind for others to read. */
async function readable(rig: Rig): Promise<string> {
  const names = ['report.jsonl', 'summary.json', 'report.html'];
  const kept = names.map((name) => readFile(join(rig.root, '.skyhaul/runs/r', name), 'utf8').catch(() => ''));
  return (await Promise.all(kept)).join('') + JSON.stringify(rig.events);
}

describe('a run through a proxy', () => {
  it('takes that of the item before that of the batch, or none', async ({ rig }) => {
    for (const path of ['/a', '/b', '/c']) rig.origin.on(path, { body: 'hello' });
    const [ofBatch, ofItem] = [await proxyOf(), await proxyOf()];
    const items = [
      { url: rig.origin.url('/a'), key: 'a' },
      { url: rig.origin.url('/b'), key: 'b', request: { proxy: ofItem.url } },
      { url: rig.origin.url('/c'), key: 'c', request: { proxy: false } },
    ];

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options: { request: { proxy: ofBatch.url } } });

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored']);
    expect([ofBatch.asked.length, ofItem.asked.length, rig.origin.connections.total]).toEqual([1, 1, 3]);
  });

  it('works on many lanes, each with a tunnel of its own, and leaves none open', async ({ rig }) => {
    const items = Array.from({ length: 24 }, (_, index) => ({ url: rig.origin.url(`/${index}`), key: `${index}` }));
    for (const { key } of items) rig.origin.on(`/${key}`, { body: { seed: key, bytes: 100_000 } });
    const proxy = await proxyOf();

    const options = { perHostConnections: 4, request: { proxy: proxy.url } };
    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options });

    expect(outcomes.every(({ outcome }) => outcome === 'stored')).toBe(true);
    expect(proxy.asked.length).toBeLessThanOrEqual(4);
    expect(await readFile(join(rig.root, '7'))).toEqual(Buffer.from(bytesOf('7', 100_000)));
    await rig.until(async () => proxy.connections.open === 0);
  });

  it('H02: goes on where a reset of the proxy broke it off', async ({ rig }) => {
    const serve = ranged({ seed: 1, bytes: 2_000_000 }, '"1"');
    const proxy = await proxyOf();
    rig.origin.on('/f', (request) => {
      if (request.headers.range !== undefined) return serve(request);
      setTimeout(() => proxy.cut(), 150);
      return { ...serve(request), stall: { afterBytes: 700_000 } };
    });

    const outcome = await ask(rig, rig.origin.url('/f'), { request: { proxy: proxy.url } });

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 2_000_000, resumes: 1 });
    expect(await readFile(join(rig.root, 'f'))).toEqual(Buffer.from(bytesOf(1, 2_000_000)));
    expect(proxy.connections.total).toBe(2);
  });

  it('names the proxy where it refuses, and never its password', async ({ rig }) => {
    const raw = 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n';
    const proxy = await proxyOf({ answer: () => ({ raw }) });

    const settings = { url: proxy.url, username: 'me', password: CANARY };
    const outcome = await ask(rig, rig.origin.url('/f'), {}, { request: { proxy: settings } });

    const { host } = new URL(proxy.url);
    expect(outcome).toMatchObject({ outcome: 'failed', error: 'ProxyRefused', message: expect.stringContaining(host) });
    expect(outcome?.status).toBeUndefined();
    expect(proxy.asked[0]?.raw).toContain(basic('me', CANARY));
    expect(await readable(rig)).not.toContain(CANARY);
  });

  it('I10: asks for the password where it is kept, bound to the proxy alone', async ({ rig }) => {
    rig.origin.on('/f', { body: 'hello' });
    const proxy = await proxyOf();
    const vault: Vault = {
      bindings: [{ name: 'p', origins: [proxy.url] }],
      read: () => Promise.resolve(JSON.stringify({ pw: CANARY })),
    };
    const settings = { url: proxy.url, username: 'me', password: { secret: 'p#pw' } };
    const item = { url: rig.origin.url('/f'), key: 'f', request: { proxy: settings } };

    const outcomes = await rig.run({ run: 'r', items: [item], to: rig.root }, { vault });

    expect(outcomes).toMatchObject([{ outcome: 'stored' }]);
    expect(proxy.asked[0]?.raw).toContain(basic('me', CANARY));
    expect(rig.origin.requests[0]?.raw).not.toMatch(/proxy-authorization/i);
    expect(await readable(rig)).not.toContain(CANARY);
  });

  it('sends a secret to no proxy that it is not bound to', async ({ rig }) => {
    const proxy = await proxyOf();
    const vault: Vault = {
      bindings: [{ name: 'p', origins: [new URL(rig.origin.url('/')).origin] }],
      read: () => Promise.resolve(CANARY),
    };
    const settings = { url: proxy.url, username: 'me', password: { secret: 'p' } };
    const item = { url: rig.origin.url('/f'), key: 'f', request: { proxy: settings } };

    const outcomes = await rig.run({ run: 'r', items: [item], to: rig.root }, { vault });

    expect(outcomes).toMatchObject([{ outcome: 'failed', error: 'SecretRefused' }]);
    expect(proxy.connections.total).toBe(0);
  });
});

describe('a secret for the source, through a proxy that can read it', () => {
  const server = makeCertificate();
  const auth = { type: 'bearer', token: { secret: 's' } };

  const seen = async (
    rig: Rig,
    proxy: { url: string },
    url: string,
    ca: string | undefined,
    bound: readonly string[],
  ) => {
    const vault: Vault = { bindings: [{ name: 's', origins: [...bound] }], read: () => Promise.resolve(CANARY) };
    const request = { proxy: proxy.url, ...(ca !== undefined && { ca }) };
    const [outcome] = await rig.run({ run: 'r', items: [{ url, key: 'f', auth, request }], to: rig.root }, { vault });
    return outcome?.error ?? outcome?.outcome;
  };

  it('is refused over http, unless it is bound to the proxy, too', async ({ rig }) => {
    rig.origin.on('/f', { body: 'hello' });
    const proxy = await proxyOf();
    const origin = new URL(rig.origin.url('/')).origin;

    expect(await seen(rig, proxy, rig.origin.url('/f'), undefined, [origin])).toBe('SecretRefused');
    expect(proxy.connections.total).toBe(0);
  });

  it('goes over http where it is bound to both', async ({ rig }) => {
    rig.origin.on('/f', { body: 'hello' });
    const proxy = await proxyOf();
    const origin = new URL(rig.origin.url('/')).origin;

    expect(await seen(rig, proxy, rig.origin.url('/f'), undefined, [origin, proxy.url])).toBe('stored');
    expect(rig.origin.requests[0]?.headers.authorization).toBe(`Bearer ${CANARY}`);
  });

  it('is refused over https whose certificates the request itself declares good', async ({ rig }) => {
    const proxy = await proxyOf();
    const { url } = await serveTls(server, false, () => undefined);
    const { origin } = new URL(url('/'));

    expect(await seen(rig, proxy, url('/f'), server.cert, [origin])).toBe('SecretRefused');
    expect(proxy.connections.total).toBe(0);
  });

  it('is sent over https with the usual ones, which keep the proxy out', async ({ rig }) => {
    const proxy = await proxyOf();
    const { url } = await serveTls(server, false, () => undefined);
    const { origin } = new URL(url('/'));

    // As far as that certificate, which is none of the usual ones.
    expect(await seen(rig, proxy, url('/f'), undefined, [origin])).toBe('TlsFailed');
    expect(proxy.asked).toHaveLength(1);
  });
});
