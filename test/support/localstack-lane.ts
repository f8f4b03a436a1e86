import type { TestProject } from 'vitest/node';
import { shareLocalStack } from './localstack-shared.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The one LocalStack of the test run. Each test names its own functions, buckets and stacks. */
    localStack: {
      readonly endpoint: string;
      /** The name under which functions reach a server of the test. */
      readonly hostOfOrigins: string;
    };
  }
}

/** globalSetup of the lanes that need more of AWS than S3. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { localStack, release } = await shareLocalStack();
  project.provide('localStack', { endpoint: localStack.endpoint, hostOfOrigins: localStack.hostOfOrigins });
  return release;
}
