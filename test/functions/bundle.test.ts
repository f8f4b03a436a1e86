import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildResult, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOptions, type HandlerName } from '../../cdk/bundle.ts';
import { root } from '../architecture/source-files.ts';

const SECRET = 'X-Amz-Signature=0123456789abcdef';
const execution = { id: 'arn:execution', name: 'run-1', startedAt: '2026-11-24T08:00:00.000Z' };

/** What a Lambda does with a bundle: load it, call it once. Watched for sockets; says what left as an error. */
const LAMBDA = `
  import { createRequire } from 'node:module';
  import net from 'node:net';
  const connects = [];
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...to) { connects.push(JSON.stringify(to)); return connect.apply(this, to); };
  // require() refuses a module with a top-level await.
  const { handler } = createRequire(import.meta.url)(process.env.BUNDLE);
  const atImport = connects.length;
  const context = { functionName: 'f', awsRequestId: 'r', memoryLimitInMB: '512', getRemainingTimeInMillis: () => 60000 };
  try {
    console.log('RESULT ' + JSON.stringify({ atImport, answer: await handler(JSON.parse(process.env.EVENT), context) }));
  } catch (error) {
    const own = { ...error, name: error.name, message: error.message, stack: error.stack };
    console.log('RESULT ' + JSON.stringify({ atImport, isError: error instanceof Error, error: own }));
  }
`;

interface Answer {
  readonly atImport: number;
  readonly isError?: boolean;
  readonly error?: { readonly name: string; readonly message: string };
}

let folder: string;
const built = new Map<HandlerName, BuildResult<{ metafile: true }>>();
const names: readonly HandlerName[] = ['plan', 'transfer', 'report', 'janitor'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'skyhaul-bundle-'));
  for (const name of names) {
    built.set(name, await build({ ...bundleOptions(name, join(folder, `${name}.mjs`)), metafile: true }));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function invoke(name: HandlerName, event: unknown, environment: Record<string, string> = {}) {
  const child = spawnSync(join(root, 'node_modules/.bin/node'), ['--input-type=module', '-e', LAMBDA], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      SKYHAUL_STATE_BUCKET: 'stack',
      BUNDLE: join(folder, `${name}.mjs`),
      EVENT: JSON.stringify(event),
      ...environment,
    },
  });
  const line = child.stdout.split('\n').find((text) => text.startsWith('RESULT '));
  if (line === undefined) throw new Error(`the bundle did not run:\n${child.stdout}\n${child.stderr}`);
  return { answer: JSON.parse(line.slice('RESULT '.length)) as Answer, talk: child.stdout + child.stderr };
}

describe('the bundles that are deployed', () => {
  it.each(names)('%s holds the engine and nothing of the command line or the CDK', (name) => {
    const inputs = Object.keys(built.get(name)?.metafile.inputs ?? {});

    expect(inputs.some((input) => input.startsWith('lib/'))).toBe(true);
    expect(
      inputs.filter((input) => /aws-cdk-lib|constructs|aws-local-stepfunctions|commander|^c(li|dk)\//.test(input)),
    ).toEqual([]);
    expect(built.get(name)?.warnings).toEqual([]);
  });

  it.each(names)('%s opens no connection and waits for nothing while it is loaded', (name) => {
    expect(invoke(name, {}).answer.atImport).toBe(0);
  });

  it.each([
    ['plan', true],
    ['transfer', false],
    ['report', false],
    ['janitor', true],
  ] as const)('%s brings the client of Step Functions along: %s', (name, does) => {
    const inputs = Object.keys(built.get(name)?.metafile.inputs ?? {});

    expect(inputs.some((input) => input.includes('@aws-sdk/client-sfn'))).toBe(does);
  });

  it('let an error out under its catalogue name, minified as they are', () => {
    const { answer } = invoke('plan', { execution, input: { to: '/tmp/x', items: [{ url: 'https://h.example/a' }] } });

    expect(answer).toMatchObject({ isError: true, error: { name: 'DestinationNotAllowed' } });
  });

  it.each(names)('%s calls an event that fits no schema of ours a bug', (name) => {
    expect(invoke(name, { run: 'r', surprise: 1 }).answer).toMatchObject({
      isError: true,
      error: { name: 'Unexpected' },
    });
  });

  it('report a setting that is missing', () => {
    const { answer, talk } = invoke('report', { run: 'run' }, { SKYHAUL_STATE_BUCKET: '' });

    expect(answer.error?.name).toBe('Unexpected');
    expect(talk).toContain('report.failed');
  });

  it('never show a URL or an event, whatever the log is set to', () => {
    const items = [{ url: `https://user:pass@h.example/a?${SECRET}`, headers: { authorization: SECRET } }];

    const { answer, talk } = invoke(
      'plan',
      { execution, input: { to: `https://h.example/?${SECRET}`, items } },
      { POWERTOOLS_LOGGER_LOG_EVENT: 'true', POWERTOOLS_LOG_LEVEL: 'DEBUG' },
    );

    expect(answer.isError).toBe(true);
    expect(talk).toContain('plan.failed');
    expect(talk).not.toContain(SECRET);
    expect(talk).not.toContain('user:pass');
  });
});
