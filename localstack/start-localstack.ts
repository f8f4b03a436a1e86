import { isDockerReady, startInDocker } from './docker.ts';
import { startOnHost } from './host.ts';
import type { LocalStack, LocalStackOptions } from './instance.ts';

/** SKYHAUL_LOCALSTACK=host leaves a Docker engine alone, =docker insists on it. */
const CHOICES = ['host', 'docker', ''];

/**
 * LocalStack from Docker where an engine answers, else from a venv of the checkout. It ends with this process. Throws an
 * Error that says what to install, or with the end of LocalStack's own log.
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const choice = process.env.SKYHAUL_LOCALSTACK ?? '';
  if (!CHOICES.includes(choice)) throw new Error(`SKYHAUL_LOCALSTACK must be host or docker, got '${choice}'`);
  if (choice === 'docker' || (choice === '' && (await isDockerReady()))) return startInDocker(options);
  return startOnHost(options);
}
