/**
 * LocalStack in Docker, by `compose.yaml`: where an engine answers, the least to install. Its Lambda functions are
 * containers of their own.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  findFreePort,
  inheritedEnvironment,
  type LocalStack,
  type LocalStackOptions,
  launch,
  makeScratch,
  SERVICES,
} from './instance.ts';

const run = promisify(execFile);

export const composeFile = join(import.meta.dirname, 'compose.yaml');

/** The image is 1.2 GB. */
const PULLED_WITHIN_MS = 600_000;

/** Whether an engine answers quickly and `docker compose` is there. */
export async function isDockerReady(): Promise<boolean> {
  const answers = (args: string[]) =>
    run('docker', args, { timeout: 5_000 }).then(
      () => true,
      () => false,
    );
  return (await answers(['info'])) && (await answers(['compose', 'version']));
}

/** Throws an Error with the end of the containers' log when it does not come up. */
export async function startInDocker(options: LocalStackOptions = {}): Promise<LocalStack> {
  const { services = SERVICES } = options;
  const port = options.port || (await findFreePort());
  const compose = ['docker', 'compose', '--file', composeFile, '--project-name', `skyhaul-${port}`];
  return launch({
    port,
    services,
    scratch: await makeScratch(),
    hostOfOrigins: 'host.docker.internal',
    orders: {
      run: [...compose, 'up', '--no-color'],
      afterwards: [...compose, 'down', '--volumes', '--timeout', '5'],
      graceMs: 15_000,
    },
    env: {
      ...inheritedEnvironment(),
      SKYHAUL_LOCALSTACK_PORT: String(port),
      SKYHAUL_LOCALSTACK_SERVICES: services.join(','),
    },
    readyWithinMs: PULLED_WITHIN_MS,
  });
}
