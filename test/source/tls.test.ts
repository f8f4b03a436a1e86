import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterEach, expect, vi } from 'vitest';
import { type CertificateOptions, makeCertificate } from '../support/origin-certificate.ts';
import { conformance, EVERY_BACKEND } from './fixture.ts';

const DAY_MS = 86_400_000;

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

conformance('TLS', EVERY_BACKEND, (it) => {
  afterEach(() => void vi.unstubAllEnvs());

  it('carries a file when certificate and name are right', async ({ source, startOther }) => {
    const tls = makeCertificate();
    const secure = await startOther({ '/f': { body: 'hello' } }, { tls });

    const byAddress = await source.read(secure.url('/f'), { client: source.client({ ca: tls.cert }) });
    const client = source.client({ ca: tls.cert, lookup: async () => [{ address: '127.0.0.1', family: 4 }] });
    const byName = await source.read(secure.url('/f', 'a.test'), { client });

    expect([String(byAddress.bytes), String(byName.bytes)]).toEqual(['hello', 'hello']);
  });

  it.for<[string, CertificateOptions]>([
    ['expired', { notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }],
    ['not yet valid', { notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() + 2 * DAY_MS) }],
    ['for another host', { names: ['other.test'] }],
    ['for another address', { names: ['127.0.0.2'] }],
  ])(
    'H34: a certificate that is %s is TlsFailed, though its issuer is trusted',
    async ([, options], { source, startOther }) => {
      const tls = makeCertificate(options);
      const secure = await startOther({ '/f': { body: 'hello' } }, { tls });

      const error = await source.refusal(secure.url('/f'), { client: source.client({ ca: tls.cert }) });

      expect(error).toMatchObject({ name: 'TlsFailed', retryable: false, details: { host: '127.0.0.1' } });
      expect(secure.requests).toEqual([]);
    },
  );

  it('H34: a self-signed certificate is TlsFailed, whatever the environment says', async ({ source, startOther }) => {
    const secure = await startOther({ '/f': { body: 'hello' } }, { tls: makeCertificate() });
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');

    const error = await source.refusal(secure.url('/f'));

    expect(error.name).toBe('TlsFailed');
    expect(secure.requests).toEqual([]);
  });

  it('H34: an untrusted root is TlsFailed', async ({ source, startOther }) => {
    const secure = await startOther({ '/f': { body: 'hello' } }, { tls: makeCertificate() });
    const client = source.client({ ca: makeCertificate().cert });

    expect((await source.refusal(secure.url('/f'), { client })).name).toBe('TlsFailed');
  });

  it.for(['TLSv1', 'TLSv1.1'] as const)(
    'H34: a server that knows %s only is TlsFailed',
    async (version, { source }) => {
      const { cert, key } = makeCertificate();
      const old: TlsOptions = { cert, key, minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      const server = createTlsServer(old).on('tlsClientError', () => {});
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;

      const error = await source.refusal(`https://127.0.0.1:${port}/`, { client: source.client({ ca: cert }) });

      expect(error.name).toBe('TlsFailed');
      server.close();
    },
  );

  it('H34: plain HTTP behind an https URL is TlsFailed', async ({ source }) => {
    const server = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const port = await listen(server);

    expect((await source.refusal(`https://127.0.0.1:${port}/`)).name).toBe('TlsFailed');
    server.close();
  });

  it('H02: a TLS connection cut in a body with a length is ConnectionLost', async ({ source, startOther }) => {
    const tls = makeCertificate();
    const body = { seed: 1, bytes: 1_000_000 };
    const secure = await startOther(
      {
        '/rst': { body, cut: { afterBytes: 500_000, by: 'rst' } },
        '/fin': { body, framing: 'chunked', close: true, cut: { afterBytes: 500_000, by: 'fin' } },
      },
      { tls },
    );
    const client = source.client({ ca: tls.cert });

    const [rst, fin] = [
      await source.read(secure.url('/rst'), { client }),
      await source.read(secure.url('/fin'), { client }),
    ];

    expect([rst.error?.name, fin.error?.name]).toEqual(['ConnectionLost', 'ConnectionLost']);
  });
});
