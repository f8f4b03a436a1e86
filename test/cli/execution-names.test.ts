import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { consoleUrl, executionArn, numberOf } from '../../cli/execution-names.ts';

const MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:Skyhaul-X';
const runs = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,20}$/);

describe('the name of an execution', () => {
  it('is that of the run and a number, below that of the state machine', () => {
    expect(executionArn(MACHINE, 'r-1')).toBe('arn:aws:states:eu-central-1:123456789012:execution:Skyhaul-X:r-1');
  });

  it('tells its number, and belongs to no other run', () => {
    fc.assert(
      fc.property(runs, runs, fc.nat(), (run, other, n) => {
        const arn = executionArn(MACHINE, `${run}-${n}`);

        expect(numberOf(run, arn)).toBe(n);
        if (other !== run) expect(numberOf(other, arn)).toBeUndefined();
      }),
    );
  });

  it('has no number when somebody else gave it', () => {
    expect(numberOf('r', executionArn(MACHINE, 'r-mine'))).toBeUndefined();
    expect(numberOf('r', executionArn(MACHINE, 'r-'))).toBeUndefined();
    expect(numberOf('r', undefined)).toBeUndefined();
  });
});

describe('the page of an execution', () => {
  it.each([
    ['aws', 'https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/'],
    ['aws-cn', 'https://eu-central-1.console.amazonaws.cn/states/home?region=eu-central-1#/v2/executions/details/'],
  ])('is in the console of its partition: %s', (partition, page) => {
    const arn = executionArn(MACHINE.replace('arn:aws:', `arn:${partition}:`), 'r-1');

    expect(consoleUrl(arn)).toBe(`${page}${arn}`);
  });

  it('is not made up where there is none', () => {
    expect(consoleUrl(executionArn(MACHINE.replace('123456789012', '000000000000'), 'r-1'))).toBeUndefined();
    expect(consoleUrl(executionArn(MACHINE.replace('arn:aws:', 'arn:aws-moon:'), 'r-1'))).toBeUndefined();
  });
});
