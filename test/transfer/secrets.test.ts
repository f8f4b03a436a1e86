import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { awsVault } from '../../lib/transfer/read-secret.ts';
import type { Vault } from '../../lib/transfer/secrets.ts';
import { it, type Rig } from '../support/run-context.ts';

const CANARY = 'canary-5d1e';

function vaultOf(rig: Rig, secrets: Record<string, string>, origins = [rig.origin.url('')]) {
  const reads: string[] = [];
  const vault: Vault = {
    bindings: [{ name: 'api', id: 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:api-AbCdEf', origins }],
    read: (id) => {
      reads.push(id);
      return Promise.resolve(secrets[id] ?? Object.values(secrets)[0] ?? '');
    },
  };
  return { vault, reads };
}

const run = (rig: Rig, items: object[], more: { vault?: Vault }, options: object = {}) =>
  rig.run({ run: 'r', items, to: rig.root, options }, more);

describe('a secret by reference', () => {
  it.for([
    [{ headers: { 'X-Key': { secret: 'api#key' } } }, 'x-key', CANARY],
    [{ request: { headers: { 'X-Key': { secret: 'api#key' } } } }, 'x-key', CANARY],
    [{ auth: { type: 'bearer', token: { secret: 'api#key' } } }, 'authorization', `Bearer ${CANARY}`],
    [
      { auth: { type: 'basic', username: 'u', password: { secret: 'api#key' } } },
      'authorization',
      `Basic ${Buffer.from(`u:${CANARY}`).toString('base64')}`,
    ],
  ] as const)('I10: stands in the request %j, and nowhere else', async ([fields, header, value], { rig }) => {
    rig.origin.on('/f', { status: 403, body: 'no' });
    rig.origin.on('/g', { body: 'yes', headers: { 'Last-Modified': 'Tue, 03 Nov 2026 10:00:00 GMT' } });
    const { vault, reads } = vaultOf(rig, { api: JSON.stringify({ key: CANARY }) });

    const items = ['/f', '/g'].map((path) => ({ url: rig.origin.url(path), key: path.slice(1), ...fields }));
    const outcomes = await run(rig, items, { vault });

    expect(outcomes.map(({ error, outcome }) => error ?? outcome).sort()).toEqual(['AccessDenied', 'stored']);
    expect(rig.origin.requests.map(({ headers }) => headers[header])).toEqual([value, value]);
    expect(new Set(reads)).toEqual(new Set(['arn:aws:secretsmanager:eu-west-1:111111111111:secret:api-AbCdEf']));
    expect(JSON.stringify([outcomes, rig.events])).not.toContain(CANARY);
    const kept = await Promise.all(
      ['claim.json', 'input.json', 'report.jsonl', 'failed.jsonl', 'summary.json'].map((name) =>
        readFile(join(rig.root, '.skyhaul/runs/r', name), 'utf8').catch(() => ''),
      ),
    );
    expect(kept.join('')).not.toContain(CANARY);
  });

  it('stands in the query, a whole text or a field of it', async ({ rig }) => {
    rig.origin.on('/f?k=a%20b&x=1', { body: 'yes' });
    const { vault } = vaultOf(rig, { api: 'a b' });

    const query = { k: { secret: 'api' }, x: '1' };
    const [outcome] = await run(rig, [{ url: rig.origin.url('/f'), key: 'f' }], { vault }, { request: { query } });

    expect(outcome).toMatchObject({ outcome: 'stored' });
    expect(outcome?.url).not.toContain('a%20b');
  });

  it.for([
    ['bound to another origin', ['https://api.example.com'], 'api', '{}'],
    ['bound to the same host with another port', ['http://127.0.0.1:1'], 'api', '{}'],
    ['not bound at all', undefined, 'other', '{}'],
    ['without the field', undefined, 'api#nothing', '{"key":"x"}'],
    ['with a field of the prototype', undefined, 'api#toString', '{"key":"x"}'],
    ['no JSON', undefined, 'api#key', CANARY],
    ['no header value', undefined, 'api', `${CANARY}\r\nx: y`],
  ] as const)('%s is SecretRefused, and nothing is sent', async ([, origins, secret, text], { rig }) => {
    rig.origin.on('/f', { body: 'yes' });
    const { vault } = vaultOf(rig, { api: text }, origins && [...origins]);

    const item = { url: rig.origin.url('/f'), key: 'f', headers: { 'x-key': { secret } } };
    const [outcome] = await run(rig, [item], { vault });

    expect(outcome).toMatchObject({ outcome: 'failed', error: 'SecretRefused' });
    expect(rig.origin.requests).toEqual([]);
    expect(JSON.stringify([outcome, rig.events])).not.toContain(CANARY);
  });

  it('is SecretRefused where there are none at all', async ({ rig }) => {
    const item = { url: rig.origin.url('/f'), key: 'f', auth: { type: 'bearer', token: { secret: 'api' } } };

    expect(await run(rig, [item], {})).toMatchObject([{ outcome: 'failed', error: 'SecretRefused' }]);
    expect(rig.origin.requests).toEqual([]);
  });

  it('H56: does not go along with a redirect to another origin', async ({ rig }) => {
    rig.origin.on('/f', { status: 302, headers: { Location: rig.origin.url('/g', 'localhost') } });
    rig.origin.on('/g', { body: 'yes' });
    const { vault } = vaultOf(rig, { api: CANARY });

    const item = { url: rig.origin.url('/f'), key: 'f', headers: { 'x-key': { secret: 'api' } } };
    await run(rig, [item], { vault });

    expect(rig.origin.requests.map(({ headers }) => headers['x-key'])).toEqual([CANARY, undefined]);
  });

  it('is read once in an invocation', async ({ rig }) => {
    for (const path of ['/a', '/b', '/c']) rig.origin.on(path, { body: 'yes' });
    const { vault, reads } = vaultOf(rig, { api: CANARY });
    const auth = { type: 'bearer', token: { secret: 'api' } };

    const items = ['/a', '/b', '/c'].map((path) => ({ url: rig.origin.url(path), key: path.slice(1), auth }));
    await run(rig, items, { vault }, { perHostConnections: 1 });

    expect(reads).toHaveLength(1);
  });

  it('looking like one in posted JSON is the user’s own', async ({ rig }) => {
    rig.origin.on('/f', { body: 'yes' });

    const [outcome] = await run(rig, [{ url: rig.origin.url('/f'), key: 'f', body: { json: { secret: 'api' } } }], {});

    expect(outcome).toMatchObject({ outcome: 'stored' });
  });
});

describe('the vault of AWS', () => {
  async function serve(answer: { status: number; body: object }) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(String(request.headers['x-amz-target']));
      request.resume();
      response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer.body));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'a');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'b');
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    const vault = awsVault({ endpoint, region: 'eu-west-1' });
    onTestFinished(async () => {
      vi.unstubAllEnvs();
      vault.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return { vault, asked };
  }

  it.for([
    ['api', 'secretsmanager.GetSecretValue'],
    ['arn:aws:secretsmanager:eu-west-1:111111111111:secret:api-AbCdEf', 'secretsmanager.GetSecretValue'],
    ['/team/api', 'AmazonSSM.GetParameter'],
    ['arn:aws:ssm:eu-west-1:111111111111:parameter/team/api', 'AmazonSSM.GetParameter'],
  ])('reads %s by %s', async ([id = '', target]) => {
    const { vault, asked } = await serve({ status: 200, body: { SecretString: 's', Parameter: { Value: 's' } } });

    expect(await vault.read(id)).toBe('s');
    expect(asked).toEqual([target]);
  });

  it('names what may not be read, and no value', async () => {
    const { vault } = await serve({ status: 400, body: { __type: 'AccessDeniedException', message: CANARY } });

    await expect(vault.read('api')).rejects.toMatchObject({
      name: 'SecretRefused',
      message: 'the secret "api" cannot be read: AccessDeniedException',
    });
  });
});
