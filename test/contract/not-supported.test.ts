import { describe, expect, it } from 'vitest';
import { checkInlineItem, checkInlineOptions } from '../../lib/contract/inline-secrets.ts';
import { type Item, item } from '../../lib/contract/item.ts';
import { requireSupportedOptions, unsupportedInItem, unsupportedInOptions } from '../../lib/contract/not-supported.ts';
import { options } from '../../lib/contract/options.ts';

const PEM = '-----BEGIN CERTIFICATE-----';
const url = 'https://example.com/a';
const parsed = (value: object): Item => item.parse({ url, ...value });
const texts = (value: object) => unsupportedInItem(parsed(value)).map(({ text }) => text);

describe('fields that are not built yet', () => {
  it('accepts an item that uses everything that is built', () => {
    const value = {
      key: 'k',
      id: '1',
      size: 1,
      sha256: 'a'.repeat(64),
      md5: 'a'.repeat(32),
      crc32c: 'a'.repeat(8),
      expect: { status: 200, contentType: 'image/', minBytes: 1 },
      contentType: 'image/png',
      metadata: { a: 'b' },
      headers: { accept: '*/*' },
      request: {
        headers: { accept: '*/*' },
        userAgent: 'x',
        method: 'GET',
        query: { a: 'b' },
        body: { base64: 'AA==' },
        cookies: true,
        http: '2',
        minTlsVersion: '1.3',
        proxy: 'http://proxy.example:3128',
      },
      method: 'POST',
      body: { json: {} },
      auth: { type: 'bearer', token: 'x' },
      range: 'bytes=0-9',
      timeoutMs: 1,
      maxBytes: 1,
      result: 'object',
      backend: 'h2',
    };

    expect(texts(value)).toEqual([]);
  });

  it('accepts the defaults of the options and those that are built', () => {
    const value = {
      maxConcurrency: 2,
      slots: 3,
      limit: 9,
      roundMinutes: 1,
      maxTotalBytes: 1,
      maxFailures: 0,
      perHostRate: { perSecond: 1 },
      hosts: [],
      maxBytesPerSecond: 1,
      request: { userAgent: 'x' },
    };

    expect(unsupportedInOptions(options.parse(value))).toEqual([]);
  });

  it('refuses no option of today', () => {
    expect(() => requireSupportedOptions(options.parse({}))).not.toThrow();
  });
});

describe('inline items of the deployed state machine', () => {
  it.each([
    { headers: { accept: '*/*' } },
    { request: { headers: { accept: '*/*' } } },
    { auth: { type: 'bearer', token: 'x' } },
    { request: { auth: { type: 'bearer', token: 'x' } } },
    { body: 'x' },
    { request: { cookies: { a: 'b' } } },
    { request: { proxy: { url: 'http://p.example', username: 'u', password: 'x' } } },
    { request: { clientCertificate: { cert: PEM, key: PEM } } },
    { url: 'https://user@example.com/' },
    { url: 'https://e.com/?X-Amz-Signature=1' },
    { url: 'https://e.com/?x-amz-security-token=1' },
    { url: 'https://e.com/?X-Goog-Signature=1' },
    { url: 'https://e.com/?Signature=1' },
    { url: 'https://e.com/?sv=1&sig=1' },
    { url: 'https://e.com/?token=1' },
    { url: 'https://e.com/?access_token=1' },
    { url: 'https://e.com/?api_key=1' },
    { request: { query: { token: '1' } } },
  ])('refuses %j and says what to do instead', (value) => {
    const problems = checkInlineItem(parsed(value));

    expect(problems.length).toBeGreaterThan(0);
    for (const { text } of problems) expect(text).toContain('put it into a manifest');
  });

  it.each(['http://p.example:3128', { url: 'http://p.example', username: 'u', password: { secret: 'proxy' } }])(
    'takes the proxy %j, which tells nothing',
    (proxy) => {
      expect(checkInlineItem(parsed({ request: { proxy } }))).toEqual([]);
      expect(checkInlineOptions(options.parse({ request: { proxy } }))).toEqual([]);
    },
  );

  it('refuses the password of a proxy of all items', () => {
    const proxy = { url: 'http://p.example', username: 'u', password: 'canary' };

    const problems = checkInlineOptions(options.parse({ request: { proxy } }));

    expect(problems).toMatchObject([{ field: 'options.request.proxy', text: expect.not.stringContaining('canary') }]);
  });

  it('takes an ordinary query', () => {
    expect(checkInlineItem(parsed({ url: 'https://e.com/?page=2&design=blue&author=x' }))).toEqual([]);
  });
});
