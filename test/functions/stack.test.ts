import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { stack, type Work } from '../../functions/stack.ts';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { RunEvent } from '../../lib/run-context.ts';

const event = z.strictObject({ run: z.string() });
const answer = z.strictObject({ next: z.string() });

/** Lines of the log, metrics included. */
let written: Record<string, unknown>[];

beforeEach(() => {
  written = [];
  vi.stubEnv('SKYHAUL_STATE_BUCKET', 'stack');
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(JSON.parse(String(text)));
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(JSON.parse(String(text)));
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function invoke(
  run: Work<{ run: string }, { next: string }>['run'],
  remainingMs = 60_000,
  input: unknown = { run: 'r' },
) {
  const lambda = { awsRequestId: 'request-1', memoryLimitInMB: '512', getRemainingTimeInMillis: () => remainingMs };
  return stack({ name: 'transfer', event, answer, run })(input, lambda as unknown as Context);
}

describe('the stack around a handler', () => {
  it('gives the event and the surroundings to the engine and its answer back', async () => {
    const given = await invoke(async ({ run }, context) => {
      return { next: `${run} at ${context.state.uri}` };
    });

    expect(given).toEqual({ next: 'r at s3://stack' });
  });

  it('L04: waits for a handler that is still cleaning up when the time is over', async () => {
    const given = await invoke(async () => {
      await sleep(50);
      return { next: 'done' };
    }, 1);

    expect(given).toEqual({ next: 'done' });
  });

  it.each([
    ['an event', { run: 'r', items: ['https://h/a'] }, { next: 'done' }],
    ['an answer', { run: 'r' }, { next: 'done', items: ['https://h/a'] }],
  ])('lets %s with items in it not through', async (_what, input, given) => {
    await expect(invoke(async () => given, 60_000, input)).rejects.toMatchObject({ name: 'Unexpected' });
  });

  it('names an error and logs it with the request it belongs to, without the words of its causes', async () => {
    const cause = Object.assign(new Error('https://h/a?token=1'), { code: 'ECONNRESET' });
    const failure = invoke(async () => {
      throw new SkyhaulError('StoreUnavailable', 'no answer', { cause });
    });

    await expect(failure).rejects.toMatchObject({ name: 'StoreUnavailable', message: 'no answer' });
    expect(written).toEqual([
      expect.objectContaining({
        level: 'ERROR',
        message: 'transfer.failed',
        failure: 'StoreUnavailable',
        reason: 'no answer',
        causes: ['Error ECONNRESET'],
        function_request_id: 'request-1',
      }),
    ]);
    expect(JSON.stringify(written)).not.toContain('token');
  });

  it('counts outcomes, also of an invocation that fails, and names no URL and no key', async () => {
    const outcomes: Partial<Outcome>[] = [
      { outcome: 'stored', bytes: 5 },
      { outcome: 'stored', bytes: 7 },
      { outcome: 'skipped', bytes: 9 },
      { outcome: 'failed', error: 'NotFound' },
    ];
    const failure = invoke(async (_event, { emit }) => {
      for (const outcome of outcomes) {
        emit({
          event: 'item.ended',
          outcome: { line: 1, url: 'https://h/secret', key: 'secret', ...outcome },
        } as RunEvent);
      }
      throw new SkyhaulError('StoreFull', 'no room');
    });

    await expect(failure).rejects.toMatchObject({ name: 'StoreFull' });
    expect(written[0]).toMatchObject({ ItemsStored: 2, ItemsSkipped: 1, ItemsFailed: 1, BytesStored: 12 });
    expect(JSON.stringify(written)).not.toContain('secret');
  });

  it('says nothing when there is nothing to say', async () => {
    await invoke(async () => ({ next: 'done' }));

    expect(written).toEqual([]);
  });
});
