import type { LocalStack } from '../../localstack/instance.ts';
import { startLocalStack } from '../../localstack/start-localstack.ts';

/**
 * One LocalStack for all lanes of a test run. Vitest calls the global setup of each lane in the same process but may load
 * this module once for each, so what they share hangs on the process. It ends with the last lane, and with the process.
 */
interface Shared {
  readonly instance: Promise<LocalStack>;
  lanes: number;
}

declare global {
  var skyhaulLocalStack: Shared | undefined;
}

export interface Lease {
  readonly localStack: LocalStack;
  release(): Promise<void>;
}

export async function shareLocalStack(): Promise<Lease> {
  globalThis.skyhaulLocalStack ??= { instance: startLocalStack(), lanes: 0 };
  const shared = globalThis.skyhaulLocalStack;
  shared.lanes += 1;
  const localStack = await shared.instance;
  return {
    localStack,
    release: async () => {
      shared.lanes -= 1;
      if (shared.lanes > 0) return;
      globalThis.skyhaulLocalStack = undefined;
      await localStack.stop();
    },
  };
}
