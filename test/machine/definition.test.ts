import { readFileSync } from 'node:fs';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { definitionFile } from '../../cdk/definition-file.ts';
import { catalogue, errorNames } from '../../lib/errors/catalogue.ts';
import { retryableErrors, runRetriers, transferRetriers, workerLost } from '../../lib/errors/plumbing.ts';

interface Retry {
  ErrorEquals: string[];
  IntervalSeconds: number;
  BackoffRate: number;
  MaxAttempts: number;
  MaxDelaySeconds: number;
}

interface State {
  Type: string;
  Next?: string;
  End?: true;
  Default?: string;
  Choices?: { Variable: string; StringEquals: string; Next: string }[];
  TimeoutSeconds?: number;
  Parameters?: Record<string, unknown>;
  Result?: unknown;
  ResultPath?: null;
  Retry?: Retry[];
  Catch?: { ErrorEquals: string[]; Next: string; ResultPath?: null }[];
  ItemProcessor?: Machine & { ProcessorConfig: { Mode: string; ExecutionType?: string } };
  ItemSelector?: Record<string, unknown>;
  ItemReader?: { Resource: string; Parameters: Record<string, unknown> };
  ToleratedFailureCount?: number;
  MaxConcurrencyPath?: string;
}

interface Machine {
  StartAt: string;
  States: Record<string, State>;
}

const text = readFileSync(definitionFile, 'utf8');
const machine: Machine = JSON.parse(text);

function everyState(within: Machine = machine): [string, State][] {
  return Object.entries(within.States).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state.ItemProcessor ? everyState(state.ItemProcessor) : []),
  ]);
}

function stateNamed(name: string): State {
  const found = everyState().find(([candidate]) => candidate === name);
  if (!found) throw new Error(`no state ${name}`);
  return found[1];
}

const maps = everyState().filter(([, state]) => state.Type === 'Map');
const tasks = everyState().filter(([, state]) => state.Type === 'Task');

describe('the state machine as it is deployed', () => {
  it('is valid Amazon States Language once the functions have their ARNs', () => {
    const deployed = text
      .replaceAll(/\$\{(\w+Function)\}/g, 'arn:aws:lambda:eu-central-1:123456789012:function:$1:1')
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's spelling.
      .replaceAll('${AWS::Partition}', 'aws');

    const { errorsText } = validate(JSON.parse(deployed));

    expect(errorsText()).toBe('');
    expect(deployed).not.toContain('${');
  });

  it('gives every state a name of its own, Maps included, because handlers are found by name', () => {
    const names = everyState().map(([name]) => name);

    expect(names).toHaveLength(new Set(names).size);
    expect(names.length).toBeGreaterThan(10);
  });

  it('lets only the planner see the batch input, so that no item travels any further', () => {
    const selected = tasks.filter(([name]) => name !== 'Plan').map(([name, state]) => [name, state.Parameters]);
    const transfer = { 'run.$': '$.run', 'round.$': '$.round', 'shard.$': '$.shard' };

    expect(Object.fromEntries(selected)).toEqual({
      Transfer: transfer,
      TransferDistributed: transfer,
      Report: { 'run.$': '$.run' },
    });
    for (const [, map] of maps) {
      expect(map.ItemSelector).toEqual({ 'run.$': '$.run', 'round.$': '$.round', 'shard.$': '$$.Map.Item.Value' });
    }
  });

  it('ends every iteration of a Map in an empty object and keeps none of their results', () => {
    expect(maps.map(([name]) => name)).toEqual(['FanOutInline', 'FanOutDistributed']);
    for (const [, map] of maps) {
      const ends = Object.values(map.ItemProcessor?.States ?? {}).filter((state) => state.End || state.Type === 'Fail');

      expect(ends).toEqual([{ Type: 'Pass', Result: {}, End: true }]);
      expect(map.ResultPath).toBeNull();
    }
  });

  it('L11: fits the outputs of 10,000 children into the one payload that Step Functions gathers them in', () => {
    const ends = Object.values(stateNamed('FanOutDistributed').ItemProcessor?.States ?? {}).filter(({ End }) => End);
    const gathered = JSON.stringify(Array.from({ length: 10_000 }, () => ends[0]?.Result));

    // 256 KiB, also when the result is discarded (aws-cdk#24799).
    expect(gathered).toHaveLength(30_001);
    expect(Buffer.byteLength(gathered)).toBeLessThan(262_144);
  });

  it('works on a shard in the same way in both Maps', () => {
    const [inline, distributed] = maps.map(([, map]) => JSON.stringify(map.ItemProcessor?.States));

    expect(distributed?.replaceAll(/(Transfer\w*?)Distributed/g, '$1')).toBe(inline);
  });

  it('L13: reads the shards of a large round from S3, in Standard children, and tolerates any number of lost ones', () => {
    const map = stateNamed('FanOutDistributed');

    expect(map.ItemProcessor?.ProcessorConfig).toEqual({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' });
    expect(map.ItemReader?.Parameters).toEqual({ 'Bucket.$': '$.shardsAt.bucket', 'Key.$': '$.shardsAt.key' });
    expect(map.ToleratedFailureCount).toBe(10_000);
    expect(map.MaxConcurrencyPath).toBe('$.maxConcurrency');
  });

  it('uses nothing that LocalStack does not have', () => {
    expect(text).not.toMatch(/ItemBatcher|ResultWriter|ToleratedFailurePercentage|JSONL|QueryLanguage/);
  });

  it.each(maps)('goes back to the planner when %s itself fails, with the planner’s own last answer', (_name, map) => {
    expect(map.Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'Plan' }]);
    expect(map.Next).toBe('Plan');
  });

  it('L06: waits longer for a task than its function may live, so that no zombie works beside its successor', () => {
    expect(tasks.map(([, state]) => state.TimeoutSeconds)).toEqual(tasks.map(() => 15 * 60 + 30));
  });
});

describe('retries and catches', () => {
  const namesOf = (state: State) => state.Retry?.flatMap((retrier) => retrier.ErrorEquals) ?? [];
  /** The longest that one retrier can hold a state, in seconds. */
  const longest = (retrier: Retry) =>
    Array.from({ length: retrier.MaxAttempts }, (_, n) =>
      Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** n, retrier.MaxDelaySeconds),
    ).reduce((sum, seconds) => sum + seconds, 0);

  it.each(['Transfer', 'TransferDistributed'])('retries nothing of %s but the plumbing', (name) => {
    expect(namesOf(stateNamed(name))).toEqual(transferRetriers.flatMap((retrier) => retrier.errors));
    expect(namesOf(stateNamed(name)).every((error) => error.startsWith('Lambda.'))).toBe(true);
  });

  it.each(['Plan', 'Report'])(
    'retries of %s what the catalogue calls retryable, and no other error of ours',
    (name) => {
      const ours = namesOf(stateNamed(name)).filter((error) => Object.hasOwn(catalogue, error));
      const expected = errorNames.filter((error) => catalogue[error].retryable && error !== 'Interrupted');

      expect(ours).toEqual(expected);
      expect(ours).toEqual(retryableErrors);
      expect(ours).toEqual(expect.arrayContaining(['StoreThrottled', 'StoreUnavailable']));
      expect(ours.filter((error) => catalogue[error as keyof typeof catalogue].scope === 'input')).toEqual([]);
      expect(namesOf(stateNamed(name))).toEqual(runRetriers.flatMap((retrier) => retrier.errors));
    },
  );

  it.each(['Plan', 'Report'])('lets %s fail the execution under the name of its own error', (name) => {
    expect(stateNamed(name).Catch).toBeUndefined();
    expect(namesOf(stateNamed(name))).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^States\.(ALL|TaskF)/)]),
    );
  });

  it.each(tasks)('names each error in one retrier of %s only, since the first match takes it', (_name, state) => {
    expect(namesOf(state)).toHaveLength(new Set(namesOf(state)).size);
  });

  it.each(tasks)('L08: waits hours for a busy account and minutes for everything else in %s', (_name, state) => {
    const [throttle, ...others] = state.Retry ?? [];

    expect(throttle?.ErrorEquals).toEqual(['Lambda.TooManyRequestsException']);
    expect(longest(throttle as Retry)).toBe(13_515);
    expect(others.map(longest)).toEqual(others.length === 1 ? [126] : [126, 30, 195]);
  });

  it.each(['', 'Distributed'])('L10, L14: ends a shard whose worker died like any other (Transfer%s)', (suffix) => {
    const next = `TransferDone${suffix}`;

    expect(stateNamed(`Transfer${suffix}`).Catch).toEqual([
      { ErrorEquals: [...workerLost], Next: next },
      { ErrorEquals: ['States.ALL'], Next: next },
    ]);
  });
});
