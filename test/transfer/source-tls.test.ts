import { describe, expect } from 'vitest';
import { makeCertificate } from '../support/origin-certificate.ts';
import { it } from '../support/run-context.ts';
import { ask, serveTls } from './request-fixture.ts';

describe.for(['undici', 'node', 'h2'])('TLS of a request over %s', (backend) => {
  it('H34: trusts the given certificates and shows its own to the origin of the URL', async ({ rig }) => {
    const [server, client] = [makeCertificate(), makeCertificate()];
    let shown: string | undefined;
    const secured = { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: true };
    const { url } = await serveTls(secured, backend === 'h2', (subject) => (shown = subject));

    const asked = { backend, request: { ca: server.cert, clientCertificate: { cert: client.cert, key: client.key } } };
    const outcome = await ask(rig, url('/f'), asked);

    expect(outcome).toMatchObject({ outcome: 'stored' });
    expect(shown).toBeDefined();
  });

  it.for(['', 'posted'])('sends a POST with the body "%s"', async (body, { rig }) => {
    const server = makeCertificate();
    const { url } = await serveTls(server, backend === 'h2', () => undefined);

    const asked = { backend, method: 'POST', body, request: { ca: server.cert }, result: 'inline' };

    expect(await ask(rig, url('/f'), asked)).toMatchObject({ outcome: 'stored', inline: body === '' ? 'ok' : body });
  });

  it('H34: refuses what is older than the least version', async ({ rig }) => {
    const server = makeCertificate();
    const { url } = await serveTls({ ...server, maxVersion: 'TLSv1.2' }, backend === 'h2', () => undefined);
    const request = { ca: server.cert, minTlsVersion: '1.3' };

    expect(await ask(rig, url('/f'), { backend, request })).toMatchObject({ outcome: 'failed', error: 'TlsFailed' });
  });
});

describe('TLS of a request', () => {
  it('is TlsFailed where certificate and key cannot be read, without showing them', async ({ rig }) => {
    const pem = '-----BEGIN CERTIFICATE-----\ncanary\n-----END CERTIFICATE-----';

    const outcome = await ask(rig, 'https://127.0.0.1:1025/f', {
      request: { clientCertificate: { cert: pem, key: pem } },
    });

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'TlsFailed' });
    expect(JSON.stringify(outcome)).not.toContain('canary');
  });

  it('is of the one connection: an item with another certificate does not travel over it', async ({ rig }) => {
    const [server, client] = [makeCertificate(), makeCertificate()];
    const subjects: (string | undefined)[] = [];
    const secured = { ...server, ca: client.cert, requestCert: true, rejectUnauthorized: false };
    const { url } = await serveTls(secured, false, (subject) => subjects.push(subject));
    const trusting = { ca: server.cert };
    const items = [
      { url: url('/a'), request: { ...trusting, clientCertificate: { cert: client.cert, key: client.key } } },
      { url: url('/b'), request: trusting },
    ];

    const outcomes = await rig.run({ run: 'r', items, to: rig.root, options: { perHostConnections: 1 } });

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['stored', 'stored']);
    expect(subjects.map((subject) => subject !== undefined)).toEqual([true, false]);
  });
});
