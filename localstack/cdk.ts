/**
 * The plain `cdk` command against a LocalStack: with credentials of no account, and without the settings of an AWS account
 * or a LocalStack that the user works with.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { inheritedEnvironment } from './instance.ts';
import { lock } from './lock.ts';

const REGION = 'us-east-1';
/** LocalStack takes any for its one account. */
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };
const checkout = join(import.meta.dirname, '..');

export interface CdkOptions {
  /** Of LocalStack. */
  readonly endpoint: string;
  /** @default - the command of `cdk.json`, the default app */
  readonly app?: string;
  /** Context values beside those that LocalStack needs. */
  readonly context?: Readonly<Record<string, string>>;
  /** Receives what `cdk` prints. */
  readonly log?: (text: string) => void;
}

/** LocalStack 4.9 knows no later runtime; what is tried out there need not outlive its stack. */
const CONTEXT = { runtime: 'nodejs22.x', removalPolicy: 'destroy' };

/** Outputs of each stack, by the stack's name. */
export type StackOutputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Bootstraps where that is not done yet, deploys every stack of the app. Throws an Error with what `cdk` printed. */
export async function deployStacks(options: CdkOptions): Promise<StackOutputs> {
  return withScratch(async (scratch) => {
    const outputs = join(scratch, 'outputs.json');
    await bootstrap(options, scratch);
    await runCdk(options, scratch, ['deploy', '--all', '--require-approval', 'never', '--outputs-file', outputs]);
    return JSON.parse(await readFile(outputs, 'utf8'));
  });
}

export async function destroyStacks(options: CdkOptions): Promise<void> {
  await withScratch((scratch) => runCdk(options, scratch, ['destroy', '--all', '--force']));
}

async function bootstrap(options: CdkOptions, scratch: string): Promise<void> {
  if (await isBootstrapped(options.endpoint)) return;
  const cache = join(checkout, '.cache', 'localstack');
  await mkdir(cache, { recursive: true });
  const unlock = await lock(join(cache, `bootstrap-${new URL(options.endpoint).port}`), options.log ?? (() => {}));
  try {
    if (!(await isBootstrapped(options.endpoint))) await runCdk(options, scratch, ['bootstrap']);
  } finally {
    await unlock();
  }
}

async function isBootstrapped(endpoint: string): Promise<boolean> {
  const cloudFormation = new CloudFormationClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  return cloudFormation.send(new DescribeStacksCommand({ StackName: 'CDKToolkit' })).then(
    ({ Stacks = [] }) => Stacks.some(({ StackStatus = '' }) => /^(CREATE|UPDATE)_COMPLETE$/.test(StackStatus)),
    () => false,
  );
}

async function runCdk(options: CdkOptions, scratch: string, args: readonly string[]): Promise<void> {
  const { endpoint, app, context = {}, log = () => {} } = options;
  const values = Object.entries({ ...CONTEXT, ...context }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const where = ['--output', join(scratch, 'cdk.out'), ...(app === undefined ? [] : ['--app', app])];
  const bin = join(checkout, 'node_modules', '.bin');
  const cdk = spawn(join(bin, 'cdk'), [...args, ...where, ...values, '--ci'], {
    cwd: checkout,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...inheritedEnvironment(),
      PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
      AWS_ENDPOINT_URL: endpoint,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
    },
  });
  let printed = '';
  for (const stream of [cdk.stdout, cdk.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      log(text);
    });
  }
  const [code] = await once(cdk, 'close');
  if (code !== 0) throw new Error(`cdk ${args[0]} failed:\n${printed.trim().slice(-5_000)}`);
}

async function withScratch<T>(use: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'skyhaul-cdk-'));
  try {
    return await use(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
