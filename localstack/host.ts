/**
 * LocalStack without Docker: from its own venv, on a loopback port. Its Lambda functions are child processes
 * (`executor/`), which end with it.
 */
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import {
  findFreePort,
  inheritedEnvironment,
  type LocalStack,
  type LocalStackOptions,
  launch,
  makeScratch,
  SERVICES,
} from './instance.ts';
import { preparePython, pythonCache } from './python-env.ts';

/** Throws an Error that says what to install, or with the end of LocalStack's own log. */
export async function startOnHost(options: LocalStackOptions = {}): Promise<LocalStack> {
  const { services = SERVICES, log = (line) => console.error(`localstack: ${line}`) } = options;
  const python = await preparePython(log);
  const port = options.port || (await findFreePort());
  const scratch = await makeScratch();
  await mkdir(join(scratch, 'tmp'));
  return launch({
    port,
    services,
    scratch,
    hostOfOrigins: '127.0.0.1',
    orders: {
      run: [python, '-m', 'skyhaul_executor.launch'],
      // Functions lead process groups of their own.
      afterwards: [python, '-m', 'skyhaul_executor.processes', scratch],
      graceMs: 5_000,
    },
    env: { ...inheritedEnvironment(), ...settings(services, port, scratch) },
  });
}

function settings(services: readonly string[], port: number, scratch: string): NodeJS.ProcessEnv {
  const bin = join(import.meta.dirname, '..', 'node_modules', '.bin');
  return {
    // Lambda handlers are run by the first `node` on PATH.
    PATH: `${bin}${delimiter}${process.env.PATH ?? ''}`,
    PYTHONPATH: join(import.meta.dirname, 'executor'),
    // Where LocalStack's plugin loader keeps what it has found.
    XDG_CACHE_HOME: pythonCache,
    GATEWAY_LISTEN: `127.0.0.1:${port}`,
    GATEWAY_SERVER: 'hypercorn',
    SERVICES: services.join(','),
    FILESYSTEM_ROOT: scratch,
    TMPDIR: join(scratch, 'tmp'),
    DNS_ADDRESS: '0',
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    LAMBDA_RUNTIME_EXECUTOR: 'process',
    // Else CloudFormation looks for a new function only every five seconds.
    LAMBDA_SYNCHRONOUS_CREATE: '1',
    // Ten minutes otherwise: a test run would keep every process that it ever started.
    LAMBDA_KEEPALIVE_MS: '60000',
    SKYHAUL_SANDBOXES: scratch,
  };
}
