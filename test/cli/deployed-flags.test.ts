import { describe, expect, it } from 'vitest';
import { readOutputs } from '../../cli/find-stack.ts';
import { FlagReader } from '../../cli/flag-reader.ts';
import { deployedCommand } from '../../cli/next-command.ts';
import { type RawStackFlags, readStackFlags } from '../../cli/stack-flags.ts';
import { readSubmitFlags } from '../../cli/submit-flags.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';

const MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:Skyhaul-X';

function read(raw: RawStackFlags, needsMachine = true) {
  const reader = new FlagReader();
  return { flags: readStackFlags(raw, reader, needsMachine), problems: reader.problems };
}

function submitProblems(...args: Parameters<typeof readSubmitFlags>): readonly string[] {
  try {
    readSubmitFlags(...args);
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'BatchInvalid') return error.details.problems ?? [];
    throw error;
  }
  return [];
}

describe('which deployment a command is about', () => {
  it('is the stack Skyhaul, another one, or the parts that are named', () => {
    expect(read({}).flags.stack).toBe('Skyhaul');
    expect(read({ stack: 'Other' }).flags.stack).toBe('Other');
    const { flags, problems } = read({ stateMachine: MACHINE, bucket: 'my-bucket', janitor: 'j' });

    expect(flags).toMatchObject({ stack: undefined, stateMachine: MACHINE, bucket: 'my-bucket', janitor: 'j' });
    expect(problems).toEqual([]);
  });

  it('needs no state machine where runs are only looked at', () => {
    expect(read({ bucket: 'my-bucket' }, false)).toMatchObject({ flags: { stack: undefined }, problems: [] });
    expect(read({ bucket: 'my-bucket' }).problems).toEqual(['--state-machine: it belongs to --bucket']);
  });

  it.each([
    [{ stateMachine: MACHINE }, '--bucket: it belongs to --state-machine'],
    [
      { stack: 'A', stateMachine: MACHINE, bucket: 'my-bucket' },
      '--stack: leave it out where --state-machine and --bucket are given',
    ],
    [{ stack: 'no stack' }, '--stack: must be the name of a CloudFormation stack'],
    [
      { stateMachine: 'Skyhaul', bucket: 'my-bucket' },
      '--state-machine: must be the ARN of a state machine, arn:aws:states:…:stateMachine:…',
    ],
    [{ stateMachine: MACHINE, bucket: 's3://my-bucket' }, '--bucket: must be the name of a bucket, without s3://'],
    [{ endpoint: 'http://me@h' }, '--endpoint: must be an http or https URL without user name, query or fragment'],
  ])('is refused when it is unclear: %j', (raw, problem) => {
    expect(read(raw).problems).toEqual([problem]);
  });

  it('stands in every command that is shown, unless it goes without saying', () => {
    expect(deployedCommand(['watch', 'r'], read({}).flags)).toBe('npx skyhaul watch r');
    const named = read({ stateMachine: MACHINE, bucket: 'my-bucket', janitor: 'j', region: 'eu-central-1' }).flags;

    expect(deployedCommand(['stop', 'r'], named)).toBe(
      `npx skyhaul stop r --state-machine ${MACHINE} --bucket my-bucket --janitor j --region eu-central-1`,
    );
    expect(deployedCommand(['watch', 'r'], named)).not.toContain('--janitor');
    expect(deployedCommand(['watch', 'r'], read({ stack: 'Other', endpoint: 'http://127.0.0.1:4566' }).flags)).toBe(
      'npx skyhaul watch r --stack Other --endpoint http://127.0.0.1:4566',
    );
  });
});

describe('the outputs of a stack', () => {
  it('name its parts', () => {
    const outputs = new Map([
      ['SkyhaulStateMachineArn', MACHINE],
      ['SkyhaulBucketName', 'my-bucket'],
      ['SkyhaulJanitorName', 'janitor'],
      ['SomethingElse', 'x'],
    ]);

    expect(readOutputs('Skyhaul', outputs)).toEqual({ stateMachine: MACHINE, bucket: 'my-bucket', janitor: 'janitor' });
  });

  it('are missing in a stack of something else', () => {
    expect(() => readOutputs('Shop', new Map([['SkyhaulBucketName', 'my-bucket']]))).toThrow(
      expect.objectContaining({ name: 'StackNotFound', message: expect.stringContaining('SkyhaulStateMachineArn') }),
    );
  });
});

describe('the flags of submit', () => {
  it('are those of run about the list, and of its own about the deployment', () => {
    const flags = readSubmitFlags(['list.txt'], { attempts: '7', wait: true, waitTimeout: '2h', timeout: '30s' });

    expect(flags).toMatchObject({
      list: { kind: 'manifest', path: 'list.txt' },
      to: undefined,
      options: { attempts: 7, timeoutMs: 30_000 },
      deployment: { stack: 'Skyhaul' },
      wait: true,
      waitMs: 7_200_000,
    });
  });

  it('name all problems at once', () => {
    const raw = { to: './out', attempts: '0', bucket: 'my-bucket', waitTimeout: '1h', endpoint: 'nonsense' };

    expect(submitProblems([], raw).map((problem) => problem.split(':')[0])).toEqual([
      '--to',
      'give a list, URLs or - for standard input; or --run <id> to continue a run',
      '--endpoint',
      '--attempts',
      '--state-machine',
      '--wait-timeout',
    ]);
  });

  it('wait no longer than a timer can hold', () => {
    expect(submitProblems(['list.txt'], { wait: true, waitTimeout: '600h' })).toEqual([
      '--wait-timeout: at most 24 days, found "600h"',
    ]);
  });
});
