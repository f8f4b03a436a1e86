import { describe, expect, it } from 'vitest';
import { checkDefaults, secretsIn } from '../../lib/contract/deployed-defaults.ts';

const texts = (defaults: unknown) => checkDefaults(defaults).map(({ text }) => text);
const secret = { secret: 'api#token' };
const PEM = '-----BEGIN CERTIFICATE-----';

describe('options of a deployment', () => {
  it('are options of a batch, by the same rules', () => {
    expect(
      texts({ attempts: 3, transform: ['gunzip'], request: { userAgent: 'me', headers: { accept: '*/*' } } }),
    ).toEqual([]);
    expect(texts({ atempts: 3 })).toEqual(['unknown field `atempts`; did you mean `attempts`?']);
    expect(texts({ attempts: 0 })).toEqual(['`attempts`: at least 1, found 0']);
    expect(texts('attempts')).toHaveLength(1);
  });

  it.each([
    [{ auth: { type: 'bearer', token: 'abc' } }, 'request.auth.token'],
    [{ auth: { type: 'basic', username: 'u', password: 'abc' } }, 'request.auth.password'],
    [
      {
        auth: {
          type: 'sigv4',
          service: 's3',
          region: 'eu-central-1',
          credentials: { accessKeyId: 'AKIA', secretAccessKey: 'abc' },
        },
      },
      'request.auth.credentials.secretAccessKey',
    ],
    [{ headers: { Authorization: 'abc' } }, 'request.headers.Authorization'],
    [{ headers: { 'X-Api-Key': 'abc' } }, 'request.headers.X-Api-Key'],
    [{ headers: { cookie: 'a=abc' } }, 'request.headers.cookie'],
    [{ query: { access_token: 'abc' } }, 'request.query.access_token'],
    [{ cookies: { session: 'abc' } }, 'request.cookies'],
    [{ body: 'abc' }, 'request.body'],
    [{ clientCertificate: { cert: PEM, key: PEM } }, 'request.clientCertificate.key'],
  ])('hold no credential: %j', (request, field) => {
    const [found = '', ...more] = texts({ request });

    expect(more).toEqual([]);
    expect(found).toContain(`\`${field}\` would stand in the template`);
    expect(found).not.toContain('abc');
  });

  it.each([
    { auth: { type: 'bearer', token: secret } },
    { auth: { type: 'basic', username: 'u', password: secret } },
    { headers: { authorization: secret, 'x-api-key': secret } },
    { query: { access_token: secret, page: '1' } },
    { clientCertificate: { cert: PEM, key: secret } },
    { cookies: true },
  ])('may refer to a secret: %j', (request) => {
    expect(texts({ request })).toEqual([]);
  });

  it('tell which secrets they refer to, wherever they stand', () => {
    const request = { auth: { type: 'bearer', token: secret }, headers: { 'x-b': { secret: 'other' } } };

    expect(secretsIn(request)).toEqual(['api', 'other']);
    expect(secretsIn({})).toEqual([]);
  });
});
