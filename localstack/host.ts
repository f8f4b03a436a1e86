/**
 * LocalStack without Docker: started from its own venv on a loopback port, waited for, and ended with the process that
 * started it. As a command, `node localstack/host.ts [--services s3,sqs] [--port 4566]` runs it until Ctrl-C.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { preparePython } from './python-env.ts';

const READY_WITHIN_MS = 120_000;

export interface LocalStack {
  /** http://127.0.0.1:<port> */
  readonly endpoint: string;
  /** Resolves when every process of it is gone. */
  stop(): Promise<void>;
}

export interface LocalStackOptions {
  /** AWS names in LocalStack's spelling: s3, lambda, stepfunctions … */
  readonly services: readonly string[];
  /** A free one when not given, or 0. */
  readonly port?: number;
  readonly log?: (line: string) => void;
}

/** Throws an Error with the end of LocalStack's own log when it does not come up. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const python = await preparePython(options.log ?? ((line) => console.error(`localstack: ${line}`)));
  const port = options.port || (await findFreePort());
  const endpoint = `http://127.0.0.1:${port}`;
  const scratch = await mkdtemp(join(tmpdir(), 'skyhaul-localstack-'));
  await mkdir(join(scratch, 'tmp'));
  const logFile = join(scratch, 'localstack.log');
  const log = await open(logFile, 'a');
  const watchdog = spawn(
    process.execPath,
    [join(import.meta.dirname, 'watchdog.ts'), scratch, python, join(import.meta.dirname, 'host_main.py')],
    {
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
      env: { ...inheritedEnvironment(), ...settings(options.services, port, scratch) },
    },
  );
  await log.close();
  const ended = once(watchdog, 'exit');
  const stop = async () => {
    watchdog.stdin?.end();
    await ended;
  };
  try {
    await waitUntilReady(endpoint, options.services, watchdog);
  } catch (error) {
    const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().slice(-3_000);
    await stop();
    throw new Error(`LocalStack did not start on ${endpoint}. The end of its log:\n${tail}`, { cause: error });
  }
  return { endpoint, stop };
}

/** Settings of a LocalStack or an AWS account that the user works with must not reach ours. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(AWS_|LOCALSTACK_|PYTHON|VIRTUAL_ENV|NODE_OPTIONS|VITEST)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

function settings(services: readonly string[], port: number, scratch: string): NodeJS.ProcessEnv {
  const bin = join(import.meta.dirname, '..', 'node_modules', '.bin');
  return {
    // Lambda handlers are run by the first `node` on PATH.
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    GATEWAY_SERVER: 'hypercorn',
    SERVICES: services.join(','),
    FILESYSTEM_ROOT: scratch,
    TMPDIR: join(scratch, 'tmp'),
    DNS_ADDRESS: '0',
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    LAMBDA_RUNTIME_EXECUTOR: 'process',
  };
}

async function waitUntilReady(endpoint: string, services: readonly string[], watchdog: ChildProcess): Promise<void> {
  for (let waited = 0; waited < READY_WITHIN_MS; waited += 100) {
    if (watchdog.exitCode !== null) throw new Error(`it ended with code ${watchdog.exitCode}`);
    const health = await fetch(`${endpoint}/_localstack/health`)
      .then((response) => response.json())
      .catch(() => undefined);
    if (isHealthy(health, services)) return;
    await sleep(100);
  }
  throw new Error(`not ready after ${READY_WITHIN_MS / 1_000} s`);
}

function isHealthy(health: unknown, services: readonly string[]): boolean {
  if (typeof health !== 'object' || health === null || !('services' in health)) return false;
  const states: unknown = health.services;
  if (typeof states !== 'object' || states === null) return false;
  const byName = new Map(Object.entries(states));
  return services.every((name) => ['available', 'running'].includes(String(byName.get(name))));
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free loopback port');
  return address.port;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { services: { type: 'string', default: 's3' }, port: { type: 'string', default: '4566' } },
  });
  const localStack = await startLocalStack({ services: values.services.split(','), port: Number(values.port) });
  console.log(localStack.endpoint);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await localStack.stop();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
