import { expect } from 'vitest';
import { conformance, EVERY_BACKEND } from './fixture.ts';

conformance('a status that carries no file', EVERY_BACKEND, (it) => {
  it.for([
    ['H62', 429, 'Throttled', true],
    ['H62', 503, 'Throttled', true],
    ['H64', 408, 'SourceUnavailable', true],
    ['H64', 500, 'SourceUnavailable', true],
    ['H64', 502, 'SourceUnavailable', true],
    ['H64', 504, 'SourceUnavailable', true],
    ['H65', 401, 'AccessDenied', false],
    ['H65', 403, 'AccessDenied', false],
    ['H65', 407, 'AccessDenied', false],
    ['H65', 451, 'AccessDenied', false],
    ['H65', 404, 'NotFound', false],
    ['H65', 410, 'NotFound', false],
    ['H66', 203, 'UnexpectedStatus', false],
    ['H66', 226, 'UnexpectedStatus', false],
    ['H66', 206, 'UnexpectedStatus', false],
    ['H23', 204, 'UnexpectedStatus', false],
    ['H23', 205, 'UnexpectedStatus', false],
    ['H23', 304, 'UnexpectedStatus', false],
    ['H65', 400, 'UnexpectedStatus', false],
    ['H65', 300, 'UnexpectedStatus', false],
    ['H65', 599, 'UnexpectedStatus', false],
  ] as const)('%s: %i is %s', async ([, status, name, retryable], { origin, source }) => {
    origin.on('/f', { status, body: status === 204 || status === 304 ? '' : 'an error page' });

    const error = await source.refusal('/f?sig=secret');

    expect(error).toMatchObject({ name, retryable, details: { status, host: new URL(origin.url('/')).host } });
    expect(error.message).not.toContain('secret');
  });

  it('H62: Retry-After comes along in milliseconds', async ({ origin, source }) => {
    origin.on('/f', { status: 503, headers: { 'Retry-After': '7' } });

    expect((await source.refusal('/f')).details.retryAfterMs).toBe(7_000);
  });

  it('H65: an S3-style code is a hint', async ({ origin, source }) => {
    const body = '<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>x</Message></Error>';
    origin.on('/f', { status: 403, body });

    expect((await source.refusal('/f')).message).toMatch(/403 \(ExpiredToken\)$/);
  });

  it('H65: a body that is cut does not hide the status', async ({ origin, source }) => {
    origin.on('/f', { status: 404, body: 'not found', cut: { afterBytes: 3, by: 'rst' } });

    expect((await source.refusal('/f')).name).toBe('NotFound');
  });

  it('H65: errors one after another cost one connection', async ({ origin, source }) => {
    const client = source.client();

    for (const path of ['/1', '/2', '/3']) await source.refusal(path, { client });

    expect(origin.connections.total).toBe(1);
  });
});

conformance('206 without a range asked for', EVERY_BACKEND, (it) => {
  const partial = (range: string, body: string) => ({ status: 206, headers: { 'Content-Range': range }, body });

  it('H66: is the file when it covers all of it', async ({ origin, source }) => {
    origin.on('/f', partial('bytes 0-4/5', 'hello'));

    expect(String((await source.read('/f')).bytes)).toBe('hello');
  });

  it.for([
    ['a part of it', partial('bytes 0-4/6', 'hello')],
    ['the end of it', partial('bytes 1-5/6', 'hello')],
    ['an unknown total', partial('bytes 0-4/*', 'hello')],
    ['another length', partial('bytes 0-3/4', 'hello')],
    ['no length', { ...partial('bytes 0-4/5', 'hello'), framing: 'chunked' }],
    ['several ranges', { status: 206, headers: { 'Content-Type': 'multipart/byteranges; boundary=x' }, body: '--x' }],
  ] as const)('H66: is UnexpectedStatus with %s', async ([, script], { origin, source }) => {
    origin.on('/f', script);

    expect((await source.refusal('/f')).name).toBe('UnexpectedStatus');
  });
});
