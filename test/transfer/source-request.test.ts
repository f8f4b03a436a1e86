import { createHash, createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { type Item, item } from '../../lib/contract/item.ts';
import { options } from '../../lib/contract/options.ts';
import { requestOf } from '../../lib/transfer/source-request.ts';
import { ranged } from '../support/origin-ranges.ts';
import { it } from '../support/run-context.ts';
import { ask, serve } from './request-fixture.ts';

function merged(fields: object, request: object = {}) {
  const given: Item = item.parse({ url: 'http://127.0.0.1/a?x=1&sig=a%20b', ...fields });
  const work = { index: 0, line: 1, key: 'k', item: given, kind: 'item' as const, lane: 0, attempts: 0 };
  return requestOf({ work, options: options.parse({ request }), signal: new AbortController().signal, now: () => 0 });
}

describe('what a source is asked with', () => {
  it('takes the item before its request, and that before the batch; headers and query are merged by name', () => {
    const batch = {
      headers: { A: 'batch', b: 'batch', c: 'batch' },
      query: { x: 'batch', y: 'batch' },
      method: 'POST',
    };
    const own = { headers: { B: 'own', c: 'own' }, query: { y: 'a b&c' } };

    const asked = merged({ headers: { c: 'item' }, request: own, body: 'b' }, batch);

    expect(asked.headers).toEqual({ a: 'batch', b: 'own', c: 'item' });
    expect(asked.url).toBe('http://127.0.0.1/a?sig=a%20b&x=batch&y=a%20b%26c');
    expect([asked.method, String(asked.body)]).toEqual(['POST', 'b']);
  });

  it('refuses a GET with a body, and a range of a POST', () => {
    expect(() => merged({ method: 'GET', body: 'b' })).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
    expect(() => merged({ body: 'b', range: 'bytes=0-1' })).toThrow(expect.objectContaining({ name: 'BatchInvalid' }));
  });

  it('lets an Authorization header of the item stand before the auth of the batch', () => {
    const auth = { type: 'bearer', token: 't' };

    expect(merged({ headers: { Authorization: 'own' } }, { auth }).authorize).toBeUndefined();
    expect(merged({}, { auth }).authorize).toBeDefined();
  });
});

describe.for(['undici', 'node'])('POST over %s', (backend) => {
  it.for([
    ['a text', 'a=1', 'a=1', undefined],
    ['bytes', { base64: 'AP8=' }, '\0\ufffd', undefined],
    ['JSON', { json: { a: [1] } }, '{"a":[1]}', 'application/json'],
    ['nothing', undefined, '', undefined],
  ] as const)('sends %s', async ([, body, sent, type], { rig }) => {
    const { requests, url } = await serve(() => ({ body: 'answer' }));

    const outcome = await ask(rig, url('/f'), { method: 'POST', backend, ...(body !== undefined && { body }) });

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 6 });
    expect(requests).toMatchObject([{ method: 'POST', body: sent }]);
    expect(requests[0]?.headers['content-type']).toBe(type);
    expect(requests[0]?.headers['content-length']).toBe(
      String(
        Buffer.byteLength(body === undefined ? '' : sent) - (type === undefined && typeof body === 'object' ? 2 : 0),
      ),
    );
  });

  it.for([
    [301, 'GET', ''],
    [302, 'GET', ''],
    [303, 'GET', ''],
    [307, 'POST', '{"a":1}'],
    [308, 'POST', '{"a":1}'],
  ] as const)('H53: goes on behind %i as %s', async ([status, method, body], { rig }) => {
    const { requests, url } = await serve((asked) =>
      asked.url === '/f' ? { status, headers: { location: '/g' } } : { body: 'there' },
    );

    const outcome = await ask(rig, url('/f'), { body: { json: { a: 1 } }, backend });

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 5 });
    expect(requests[1]).toMatchObject({ method, url: '/g', body });
    expect(requests[1]?.headers['content-type']).toBe(method === 'GET' ? undefined : 'application/json');
  });
});

describe('POST', () => {
  it('H56: is not sent on to another origin with its body', async ({ rig }) => {
    const other = await serve(() => ({}));
    const { url } = await serve(() => ({ status: 307, headers: { location: other.url('/g') } }));

    const outcome = await ask(rig, url('/f'), { body: 'canary' });

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'RedirectRefused' });
    expect(other.requests).toEqual([]);
    expect(JSON.stringify(outcome)).not.toContain('canary');
  });

  it('H44: is never resumed or compared: what it answers is no version of anything', async ({ rig }) => {
    let asked = 0;
    const { requests, url } = await serve(() => {
      asked += 1;
      return { headers: { etag: '"v1"', 'accept-ranges': 'bytes' }, body: `answer ${asked}` };
    });
    await ask(rig, url('/f'), { body: 'b' });

    const again = await rig.run({ run: 's', items: [{ url: url('/f'), key: 'f', body: 'c' }], to: rig.root });

    expect(again).toMatchObject([{ outcome: 'stored' }]);
    expect(String(await readFile(join(rig.root, 'f')))).toBe('answer 2');
    expect(requests.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, undefined]);
  });

  it('H02: broken off in the middle is asked again in full, never by range', async ({ rig }) => {
    rig.origin.on('/f', ({ headers }) => {
      expect(headers.range).toBeUndefined();
      const cut = rig.origin.requests.length === 1 ? { cut: { afterBytes: 5, by: 'rst' as const } } : {};
      return { body: 'hello world', headers: { ETag: '"v1"' }, ...cut };
    });

    const outcome = await ask(rig, rig.origin.url('/f'), { method: 'POST' });

    expect(outcome).toMatchObject({ outcome: 'stored', bytes: 11 });
    expect(outcome?.resumes ?? 0).toBe(0);
    expect(rig.origin.requests).toHaveLength(2);
  });
});

describe('auth', () => {
  const CANARY = 'canary-7f3a';
  it.for([
    [{ type: 'basic', username: 'ü', password: CANARY }, `Basic ${Buffer.from(`ü:${CANARY}`).toString('base64')}`],
    [{ type: 'bearer', token: CANARY }, `Bearer ${CANARY}`],
    [
      {
        type: 'sigv4',
        service: 's3',
        region: 'eu-west-1',
        credentials: { accessKeyId: 'AK', secretAccessKey: CANARY },
      },
      expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AK\/\d{8}\/eu-west-1\/s3\/aws4_request, /),
    ],
  ] as const)(
    'H56: %o goes to its own origin, with redirects inside it, and nowhere else',
    async ([auth, header], { rig }) => {
      const other = await serve(() => ({ body: 'there' }));
      const { requests, url } = await serve(({ url: path }) =>
        path === '/f'
          ? { status: 302, headers: { location: '/g' } }
          : { status: 302, headers: { location: other.url('/h') } },
      );

      const outcome = await ask(rig, url('/f'), {}, { request: { auth } });

      expect(outcome).toMatchObject({ outcome: 'stored' });
      expect(requests.map(({ headers }) => headers.authorization)).toEqual([header, header]);
      const names = Object.keys(other.requests[0]?.headers ?? {});
      expect(names.filter((name) => name === 'authorization' || name.startsWith('x-amz'))).toEqual([]);
      expect(JSON.stringify([outcome, rig.events])).not.toContain(CANARY);
    },
  );

  it.for([
    ['execute-api', '/a%20b?z=1&y=%2F', '/a%2520b'],
    ['s3', '/a%20b?z=1&y=%2F', '/a%20b'],
  ])(
    'sigv4 signs for %s as its description says, the range with the rest',
    async ([service = '', path = '', canonical = ''], { rig }) => {
      const { requests, url } = await serve(() => ({
        status: 206,
        headers: { 'content-range': 'bytes 2-4/100' },
        body: 'abc',
      }));
      const credentials = { accessKeyId: 'AK', secretAccessKey: 'SK', sessionToken: 'ST' };
      const auth = { type: 'sigv4', service, region: 'us-east-1', credentials };

      const outcome = await ask(rig, url(path), { auth, range: 'bytes=2-4' });

      expect(outcome).toMatchObject({ outcome: 'stored', bytes: 3 });
      const headers: IncomingHttpHeaders = requests[0]?.headers ?? {};
      const names = /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1]?.split(';') ?? [];
      expect(names).toEqual(expect.arrayContaining(['host', 'range', 'x-amz-date', 'x-amz-security-token']));
      // Signature Version 4 by its description (IAM user guide, "Create a signed AWS API request").
      const sha256 = (value: string) => createHash('sha256').update(value).digest('hex');
      const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
      const asked = ['GET', canonical, 'y=%2F&z=1', lines, names.join(';'), sha256('')].join('\n');
      const at = String(headers['x-amz-date']);
      const scope = [at.slice(0, 8), 'us-east-1', service, 'aws4_request'];
      const toSign = ['AWS4-HMAC-SHA256', at, scope.join('/'), sha256(asked)].join('\n');
      const hmac = (key: string | Buffer, value: string) => createHmac('sha256', key).update(value).digest();
      const signature = hmac(scope.reduce<string | Buffer>(hmac, 'AWS4SK'), toSign).toString('hex');
      expect(headers.authorization).toContain(`Signature=${signature}`);
    },
  );

  it('sigv4 signs a resumed request anew, with its own range', async ({ rig }) => {
    const whole = ranged({ seed: 1, bytes: 30_000_000 }, '"v1"', ({ headers }) =>
      headers.range === undefined ? { cut: { afterBytes: 20_000_000, by: 'rst' } } : {},
    );
    rig.origin.on('/f', whole);
    const credentials = { accessKeyId: 'AK', secretAccessKey: 'SK' };

    const outcome = await ask(rig, rig.origin.url('/f'), {
      auth: { type: 'sigv4', service: 's3', region: 'us-east-1', credentials },
    });

    expect(outcome).toMatchObject({ outcome: 'stored', resumes: 1 });
    const signed = rig.origin.requests.map(
      ({ headers }) => /SignedHeaders=([^,]*)/.exec(headers.authorization ?? '')?.[1],
    );
    expect(signed[0]).not.toContain('range');
    expect(signed[1]?.split(';')).toEqual(expect.arrayContaining(['if-range', 'range']));
  });
});

describe('cookies', () => {
  it('H55: are kept from answer to answer when that is asked for, redirects included', async ({ rig }) => {
    const { requests, url } = await serve(({ headers }) =>
      headers.cookie?.includes('s=1')
        ? {}
        : { status: 302, headers: { location: '/f', 'set-cookie': ['s=1; Path=/', 'e=2; Domain=evil.test'] } },
    );

    const outcome = await ask(rig, url('/f'), { request: { cookies: true }, headers: { cookie: 'own=0' } });

    expect(outcome).toMatchObject({ outcome: 'stored' });
    expect(requests.map(({ headers }) => headers.cookie)).toEqual(['own=0', 'own=0; s=1']);
  });

  it('are not kept otherwise', async ({ rig }) => {
    const { requests, url } = await serve(({ url: path }) =>
      path === '/f' ? { status: 302, headers: { location: '/g', 'set-cookie': 's=1; Path=/' } } : {},
    );

    await ask(rig, url('/f'));

    expect(requests.map(({ headers }) => headers.cookie)).toEqual([undefined, undefined]);
  });

  it('H56: given ones, and those of another origin, go to their own origin only', async ({ rig }) => {
    const other = await serve(() => ({ headers: { 'set-cookie': 'o=1' } }));
    const { requests, url } = await serve(() => ({
      status: 302,
      headers: { location: other.url('/g').replace('127.0.0.1', 'localhost') },
    }));

    await ask(rig, url('/f'), { request: { cookies: { a: '1', b: '2' } } });

    expect(requests[0]?.headers.cookie).toBe('a=1; b=2');
    expect(other.requests.map(({ headers }) => headers.cookie)).toEqual([undefined]);
  });
});
