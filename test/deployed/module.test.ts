import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployStacks } from '../../localstack/cdk.ts';
import { deployedStack } from '../support/localstack-stack.ts';
import { listen, Runs } from './runs.ts';

let runs: Runs;
let server: Server;
let url: string;

/** A stack of its own: others deploy the usual one anew, without a module. */
const STACK = 'ModuleTest';

beforeAll(async () => {
  const lane = deployedStack();
  const module = fileURLToPath(new URL('own-module.ts', import.meta.url));
  const defaults = JSON.stringify({ request: { headers: { 'X-Team': 'a' }, query: { of: 'stack', kind: 'stack' } } });
  const limits = JSON.stringify({ maxBytes: 1_000 });
  const context = { stackName: STACK, allowedNetworks: '127.0.0.0/8', module, defaults, limits };
  const { [STACK]: outputs = {} } = await deployStacks({ endpoint: lane.endpoint, context });
  runs = new Runs({
    ...lane,
    stateMachineArn: outputs.SkyhaulStateMachineArn ?? '',
    bucket: outputs.SkyhaulBucketName ?? '',
    janitorFunction: outputs.SkyhaulJanitorName ?? '',
  });
  ({ server, url } = await listen((request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://origin');
    const told = `${request.headers['x-team']} ${search}`;
    const body = pathname === '/told' ? told : 'abc'.repeat(pathname === '/large' ? 999 : 1);
    response.writeHead(200, { 'Content-Length': body.length }).end(body);
  }));
});

afterAll(() => {
  server.close().closeAllConnections();
  runs.close();
});

it('runs the module of the construct, whose failures end neither a neighbour nor the worker', async () => {
  const keys = ['fine', 'throws', 'timer', 'rejects', 'also-fine'];
  const items = [
    ...keys.map((key) => ({ url: `${url}/${key}`, key, transform: ['module'] })),
    { url: `${url}/read`, key: 'read', transform: ['gzip', 'gunzip', 'module'], result: 'none' },
  ];

  const { run, outcomes } = await runs.run({ items });

  const failed = (text: RegExp) => ({ error: 'TransformFailed', message: expect.stringMatching(text), attempts: 1 });
  const md5 = createHash('md5').update('abc').digest('hex');
  expect(outcomes).toMatchObject([
    { outcome: 'stored', bytes: 3 },
    failed(/^module: Error: my throw\n +at shout .*module-[0-9a-f]{8}\.mjs:\d+/),
    failed(/my timer/),
    failed(/my promise\n +at shout/),
    { outcome: 'stored', bytes: 3 },
    { outcome: 'stored', inline: { md5 } },
  ]);
  expect(await runs.text(`data/${run}/`, 'fine')).toBe('ABC');
  for (const key of ['throws', 'timer', 'rejects', 'read']) {
    expect(await runs.store(`data/${run}/`).head(key)).toBeUndefined();
  }
});

it('puts the defaults of the construct below a batch, and holds it to its limits', async () => {
  const items = [
    { url: `${url}/told`, key: 'told', result: 'inline' },
    { url: `${url}/large`, key: 'large', maxBytes: 9_000 },
  ];
  const options = { maxBytes: 5_000, request: { query: { kind: 'batch' } } };

  const { outcomes } = await runs.run({ items, options });

  expect(outcomes).toMatchObject([
    { outcome: 'stored', inline: 'a ?of=stack&kind=batch' },
    { outcome: 'failed', error: 'TooLarge', message: expect.stringContaining('1000 bytes') },
  ]);
});
