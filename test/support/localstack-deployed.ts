import type { TestProject } from 'vitest/node';
import { deployStacks } from '../../localstack/cdk.ts';
import { shareLocalStack } from './localstack-shared.ts';

/** Short enough for a test to wait until a worker that was killed cannot live any more. */
export const TRANSFER_SECONDS = 45;

/** globalSetup of the lane `deployed`: `cdk deploy` of the default app, once for all its files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { localStack, release } = await shareLocalStack();
  const { endpoint, hostOfOrigins } = localStack;
  try {
    const startedAt = Date.now();
    const context = { allowedNetworks: '127.0.0.0/8', transferTimeoutSeconds: String(TRANSFER_SECONDS) };
    const { Skyhaul: outputs = {} } = await deployStacks({ endpoint, context });
    console.error(`deployed: cdk bootstrap and deploy took ${Math.round((Date.now() - startedAt) / 1_000)} s`);
    project.provide('deployedStack', {
      endpoint,
      hostOfOrigins,
      stateMachineArn: outputs.SkyhaulStateMachineArn ?? '',
      bucket: outputs.SkyhaulBucketName ?? '',
      janitorFunction: outputs.SkyhaulJanitorName ?? '',
      env: {
        AWS_ENDPOINT_URL: endpoint,
        AWS_ENDPOINT_URL_S3: endpoint,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        AWS_REGION: 'us-east-1',
      },
    });
  } catch (error) {
    await release();
    throw error;
  }
  return release;
}
