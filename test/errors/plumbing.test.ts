import { describe, expect, it } from 'vitest';
import { runRetriers, transferRetriers, workerLost } from '../../lib/errors/plumbing.ts';

const named = (retriers: typeof transferRetriers, kind: string) => retriers.find((retrier) => retrier.kind === kind);

describe('what the state machine retries', () => {
  it('L08: waits for a busy account with tries of their own, which use up nothing of anybody else', () => {
    for (const retriers of [transferRetriers, runRetriers]) {
      expect(named(retriers, 'throttled')).toMatchObject({
        errors: ['Lambda.TooManyRequestsException'],
        maxAttempts: 50,
        jitter: 'FULL',
      });
    }
  });

  it('L09: tries the Lambda service again as its guide says: from 2 s on, doubling, 6 times', () => {
    expect(named(transferRetriers, 'serviceFailed')).toMatchObject({
      errors: [
        'Lambda.ServiceException',
        'Lambda.AWSLambdaException',
        'Lambda.SdkClientException',
        'Lambda.ClientExecutionTimeoutException',
      ],
      intervalSeconds: 2,
      backoffRate: 2,
      maxAttempts: 6,
    });
  });

  it('L05, L10: never sends a shard again whose worker died: what it did stands in the ledger, and Plan reads that', () => {
    const retried = transferRetriers.flatMap(({ errors }) => errors);

    expect(retried.filter((error) => workerLost.includes(error) || error.startsWith('States.'))).toEqual([]);
  });
});
