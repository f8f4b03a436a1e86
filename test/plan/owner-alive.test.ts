import { describe, expect, it } from 'vitest';
import { isOwnerAlive } from '../../lib/plan/owner-alive.ts';

const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:Skyhaul:run-1';
const MINUTE = 60_000;

const unasked = () => Promise.reject(new Error('Step Functions knows nothing of this one'));

describe('the holder of a claim', () => {
  it.each([
    ['RUNNING', true],
    ['PENDING_REDRIVE', true],
    ['SUCCEEDED', false],
    ['FAILED', false],
    ['TIMED_OUT', false],
    ['ABORTED', false],
    [undefined, false],
  ])('that is an execution which is %s is alive: %s, however long ago it wrote', async (status, alive) => {
    const asked: string[] = [];
    const statusOf = async (arn: string) => {
      asked.push(arn);
      return status;
    };

    expect(await isOwnerAlive({ execution: ARN }, 0, { now: 1_000 * MINUTE, statusOf })).toBe(alive);
    expect(asked).toEqual([ARN]);
  });

  it('is not called dead when nobody can tell', async () => {
    await expect(isOwnerAlive({ execution: ARN }, 0, { now: 0, statusOf: unasked })).rejects.toThrow('Step Functions');
  });

  it('that is a process is alive while it is heard of', async () => {
    const owner = { execution: 'run-abc', host: 'laptop', pid: 7 };

    expect(await isOwnerAlive(owner, 0, { now: 2 * MINUTE - 1, statusOf: unasked })).toBe(true);
    expect(await isOwnerAlive(owner, 0, { now: 2 * MINUTE, statusOf: unasked })).toBe(false);
  });

  it('that is a janitor is alive for as long as a Lambda can live', async () => {
    const owner = { execution: 'janitor/1' };

    expect(await isOwnerAlive(owner, 0, { now: 15 * MINUTE, statusOf: unasked })).toBe(true);
    expect(await isOwnerAlive(owner, 0, { now: 16 * MINUTE, statusOf: unasked })).toBe(false);
  });
});
