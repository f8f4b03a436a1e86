import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openExecutions } from '../../functions/executions.ts';
import { type AwsAnswer, type AwsAnswers, awsError, startAwsAnswers } from '../support/aws-answers.ts';

const ARN = 'arn:aws:states:us-east-1:123456789012:execution:Skyhaul:run-1';

let aws: AwsAnswers;
let answer: AwsAnswer;

beforeEach(async () => {
  aws = await startAwsAnswers(() => answer);
  vi.stubEnv('AWS_ENDPOINT_URL', aws.endpoint);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws.close();
});

describe('what Step Functions says of an execution', () => {
  it('is its status', async () => {
    answer = { body: { executionArn: ARN, status: 'ABORTED' } };
    const executions = openExecutions();

    expect(await executions.statusOf(ARN)).toBe('ABORTED');

    executions.close();
    expect(aws.asked).toEqual([{ call: 'DescribeExecution', body: { executionArn: ARN } }]);
  });

  it('is nothing for one it does not know', async () => {
    answer = awsError('ExecutionDoesNotExist');
    const executions = openExecutions();

    expect(await executions.statusOf(ARN)).toBeUndefined();
    executions.close();
  });

  it.each([
    ['a throttle', 'ThrottlingException', 400],
    ['a denial', 'AccessDeniedException', 400],
    ['a failure', 'InternalServerError', 500],
  ])('is never guessed after %s, but tried again later', async (_what, name, status) => {
    answer = awsError(name, status);
    const executions = openExecutions();

    await expect(executions.statusOf(ARN)).rejects.toMatchObject({ name: 'AwsUnavailable', retryable: true });
    await expect(executions.statusOf(ARN)).rejects.not.toThrow('secret words');
    executions.close();
  });

  it('is not asked for by who does not ask', () => {
    openExecutions().close();

    expect(aws.asked).toEqual([]);
  });
});
