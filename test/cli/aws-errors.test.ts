import { describe, expect, it } from 'vitest';
import { toAwsError } from '../../cli/aws-errors.ts';
import { executionFailureLines, isInputsFault } from '../../cli/execution-failure.ts';
import type { Execution } from '../../cli/executions.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';

function thrown(name: string, more: object = {}): Error {
  return Object.assign(new Error('secret words'), { name, ...more });
}

const answered = (httpStatusCode: number) => ({ $metadata: { httpStatusCode } });

describe('what AWS says when it does not do as it is asked', () => {
  it.each([
    ['AccessDeniedException', answered(400), 'AwsDenied'],
    ['CredentialsProviderError', {}, 'AwsDenied'],
    ['ExpiredTokenException', answered(400), 'AwsDenied'],
    ['SomethingForbidden', answered(403), 'AwsDenied'],
    ['StateMachineDoesNotExist', answered(400), 'StackNotFound'],
    ['ResourceNotFoundException', answered(404), 'StackNotFound'],
    ['ThrottlingException', answered(400), 'AwsUnavailable'],
    ['TooManyRequestsException', answered(429), 'AwsUnavailable'],
    ['InternalFailure', answered(500), 'AwsUnavailable'],
    ['Error', { code: 'ECONNREFUSED' }, 'AwsUnavailable'],
    ['AggregateError', { code: 'ETIMEDOUT' }, 'AwsUnavailable'],
    ['TimeoutError', {}, 'AwsUnavailable'],
    ['InvalidExecutionInput', answered(400), 'Unexpected'],
    ['TypeError', {}, 'Unexpected'],
  ])('%s becomes an error of ours, with the call and without its words', (name, more, ours) => {
    const error = toAwsError(thrown(name, more), 'states:StartExecution');

    expect(error.name).toBe(ours);
    expect(error.message).toContain('states:StartExecution: ');
    expect(error.message).not.toContain('secret');
  });

  it('names the code of the network where there is no other', () => {
    expect(toAwsError(thrown('Error', { code: 'ECONNREFUSED' }), 'x:Y').message).toBe('x:Y: ECONNREFUSED');
  });

  it('leaves our own errors as they are', () => {
    const ours = new SkyhaulError('RunInUse', 'r');

    expect(toAwsError(ours, 'x:Y')).toBe(ours);
    expect(toAwsError('text', 'x:Y').name).toBe('Unexpected');
  });
});

describe('an execution that ended without a report', () => {
  const ended = (more: Partial<Execution>): Execution => {
    return { arn: 'arn', status: 'FAILED', startedAt: 0, error: undefined, cause: undefined, ...more };
  };

  it('says what a function threw, and what to do', () => {
    const cause = JSON.stringify({ errorType: 'StoreDenied', errorMessage: 'no\x1b access', trace: [] });

    expect(executionFailureLines(ended({ error: 'StoreDenied', cause }))).toEqual([
      'skyhaul: StoreDenied: no· access',
      expect.stringContaining('Check bucket policy'),
    ]);
  });

  it.each([
    [ended({ error: 'States.Runtime', cause: 'A sentence.' }), 'skyhaul: States.Runtime: A sentence.'],
    [ended({}), 'skyhaul: States.Unknown: nothing is known of the cause'],
    [ended({ error: 'States.X', cause: '{"other":1}' }), 'skyhaul: States.X: {"other":1}'],
    [ended({ status: 'ABORTED' }), 'skyhaul: the execution was stopped.'],
    [ended({ status: 'TIMED_OUT' }), 'skyhaul: the execution took longer than its state machine allows.'],
    [undefined, 'skyhaul: the run ended without a report, and Step Functions knows no execution of it.'],
  ])('says as much as is known: %j', (execution, line) => {
    expect(executionFailureLines(execution)).toEqual([line]);
  });

  it('is not to be continued where the input is wrong', () => {
    expect(isInputsFault(ended({ error: 'ManifestInvalid' }))).toBe(true);
    expect(isInputsFault(ended({ error: 'RunInUse' }))).toBe(false);
    expect(isInputsFault(ended({ error: 'StoreDenied' }))).toBe(false);
    expect(isInputsFault(ended({ error: 'States.Timeout' }))).toBe(false);
    expect(isInputsFault(undefined)).toBe(false);
  });
});
