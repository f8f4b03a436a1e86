import type { TestProject } from 'vitest/node';
import { shareLocalStack } from './localstack-shared.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A real S3 on a loopback port, the same for all files of a lane; each file makes its own bucket. */
    s3Endpoint: string;
  }
}

/** globalSetup of the lanes that need S3. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { localStack, release } = await shareLocalStack();
  project.provide('s3Endpoint', localStack.endpoint);
  return release;
}
