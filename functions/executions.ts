import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';

/**
 * Asks Step Functions about executions, with a client that is made by the first question: most invocations ask none. It
 * is closed before the handler returns, as the stores are.
 */
export interface Executions {
  /** `undefined` when Step Functions knows no such execution (any more). Throws AwsUnavailable for want of an answer. */
  readonly statusOf: (executionArn: string) => Promise<string | undefined>;
  readonly close: () => void;
}

const ANSWER_MS = 10_000;

export function openExecutions(): Executions {
  let client: SFNClient | undefined;
  return {
    async statusOf(executionArn) {
      client ??= new SFNClient({
        maxAttempts: 5,
        requestHandler: { connectionTimeout: ANSWER_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
      });
      try {
        return (await client.send(new DescribeExecutionCommand({ executionArn }))).status;
      } catch (cause) {
        const code = cause instanceof Error ? cause.name : 'unknown';
        if (code === 'ExecutionDoesNotExist') return undefined;
        // Also when it is denied: a permission may be seconds old, and to guess might make two writers.
        throw new SkyhaulError('AwsUnavailable', `states:DescribeExecution of ${executionArn}: ${code}`, { cause });
      }
    },
    close() {
      client?.destroy();
    },
  };
}
