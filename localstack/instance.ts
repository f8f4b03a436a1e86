/**
 * What a running LocalStack is, wherever it runs, and the waiting for it. It is held by a watchdog, so it ends with the
 * process that started it.
 */
import { once } from 'node:events';
import { mkdtemp, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWatchdog, type WatchdogOrders } from './watchdog.ts';

const READY_WITHIN_MS = 120_000;

/** AWS names in LocalStack's spelling: all that a deployed Skyhaul and its tests touch. */
export const SERVICES =
  's3,lambda,stepfunctions,cloudformation,iam,sts,logs,ssm,sqs,sns,cloudwatch,kms,events,secretsmanager'.split(',');

export interface LocalStack {
  /** http://127.0.0.1:<port> */
  readonly endpoint: string;
  /** The name under which functions reach servers of this machine, such as a test's origin. */
  readonly hostOfOrigins: string;
  /** Resolves when every process of it is gone. */
  stop(): Promise<void>;
}

export interface LocalStackOptions {
  /** @default - SERVICES */
  readonly services?: readonly string[];
  /** @default - a free one, as for 0 */
  readonly port?: number;
  /** @default - standard error */
  readonly log?: (line: string) => void;
}

export interface Launch {
  readonly port: number;
  readonly services: readonly string[];
  readonly scratch: string;
  readonly hostOfOrigins: string;
  readonly orders: Omit<WatchdogOrders, 'scratch'>;
  readonly env: NodeJS.ProcessEnv;
  readonly readyWithinMs?: number;
}

/** A directory for LocalStack's files, removed at its end. */
export function makeScratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'skyhaul-localstack-'));
}

/** Throws an Error with the end of LocalStack's own log when it does not come up. */
export async function launch(options: Launch): Promise<LocalStack> {
  const { port, services, scratch, hostOfOrigins, orders, env, readyWithinMs = READY_WITHIN_MS } = options;
  const endpoint = `http://127.0.0.1:${port}`;
  const logFile = join(scratch, 'localstack.log');
  const log = await open(logFile, 'a');
  const watchdog = startWatchdog({ ...orders, scratch }, log.fd, env);
  await log.close();
  const ended = once(watchdog, 'exit');
  const stop = async () => {
    watchdog.stdin?.end();
    await ended;
  };
  try {
    for (let waited = 0; !(await isReady(endpoint, services)); waited += 100) {
      if (watchdog.exitCode !== null) throw new Error(`it ended with code ${watchdog.exitCode}`);
      if (waited > readyWithinMs) throw new Error(`not ready after ${readyWithinMs / 1_000} s`);
      await sleep(100);
    }
  } catch (error) {
    const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().slice(-3_000);
    await stop();
    throw new Error(`LocalStack did not start on ${endpoint}. The end of its log:\n${tail}`, { cause: error });
  }
  return { endpoint, hostOfOrigins, stop };
}

/** LocalStack's own answer about itself; nothing where none listens. */
export async function readHealth(endpoint: string): Promise<{ version: string; services: object } | undefined> {
  try {
    const response = await fetch(`${endpoint}/_localstack/health`, { signal: AbortSignal.timeout(5_000) });
    const health: unknown = await response.json();
    if (typeof health !== 'object' || health === null || !('services' in health)) return undefined;
    const { services } = health;
    if (typeof services !== 'object' || services === null) return undefined;
    return { version: 'version' in health ? String(health.version) : 'of unknown version', services };
  } catch {
    return undefined;
  }
}

async function isReady(endpoint: string, services: readonly string[]): Promise<boolean> {
  const health = await readHealth(endpoint);
  if (health === undefined) return false;
  const states = new Map<string, unknown>(Object.entries(health.services));
  return services.every((name) => ['available', 'running'].includes(String(states.get(name))));
}

/** Settings of a LocalStack or an AWS account that the user works with must not reach ours. */
export function inheritedEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(AWS_|LOCALSTACK_|PYTHON|VIRTUAL_ENV|NODE_OPTIONS|VITEST)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}

export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free loopback port');
  return address.port;
}
