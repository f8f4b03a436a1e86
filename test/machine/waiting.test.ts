import { describe, expect } from 'vitest';
import { runMachine } from '../../cli/run-machine.ts';
import { readRoundLedger } from '../../lib/ledger/read-ledger.ts';
import { planRun } from '../../lib/plan/plan-run.ts';
import { newestStatus } from '../../lib/plan/status.ts';
import { reportRun } from '../../lib/report/report-run.ts';
import { transferShard } from '../../lib/transfer/transfer-shard.ts';
import { it, listOf, type Rig } from '../support/run-context.ts';
import { definition, execution } from './scripted-run.ts';

/** The real state machine, whose Wait takes no time but that of the run's clock. */
const impatient = {
  ...definition,
  States: { ...definition.States, Wait: { Type: 'Pass', Next: 'Plan' } },
};

/** Runs a list whose host answers 429 until so many seconds have passed. Milliseconds by the clock of the run. */
async function throttledFor(rig: Rig, seconds: number) {
  const begun = Date.now();
  const startedAt = rig.clock.now;
  const now = () => rig.clock.now + (Date.now() - begun);
  const busy = { status: 429, headers: { 'Retry-After': String(seconds) } };
  const paths = ['/a', '/b', '/c', '/d'];
  for (const path of paths) {
    rig.origin.on(path, () => (now() < startedAt + seconds * 1_000 ? busy : { body: path }));
  }
  const context = () => rig.context({ now });
  const output = await runMachine({
    definition: impatient,
    input: listOf(rig, paths),
    execution,
    signal: new AbortController().signal,
    handlers: {
      plan: async (event) => {
        const answer = await planRun(event, context());
        if (answer.next === 'wait') rig.clock.now += answer.waitSeconds * 1_000;
        return answer;
      },
      transfer: (event) => transferShard(event, context()),
      report: (event) => reportRun(event, context()),
    },
  });
  return { output, elapsedMs: now() - startedAt, billedMs: await billedMs(rig) };
}

/** What Lambda would be paid for. */
async function billedMs(rig: Rig): Promise<number> {
  const { state } = rig.context();
  const { round } = (await newestStatus(state, 'r')) ?? { round: 0 };
  let sum = 0;
  for (let one = 0; one <= round; one += 1) {
    for await (const { attempts } of readRoundLedger(state, 'r', one)) {
      for (const row of attempts.flatMap(({ rows }) => rows)) sum += row.row === 'ended' ? row.ms : 0;
    }
  }
  return sum;
}

describe('a run whose host asks for time', () => {
  it.for([30, 600, 3_600])('H62: waits %i s outside of its workers, for nothing', async (seconds, { rig }) => {
    const { output, elapsedMs, billedMs: billed } = await throttledFor(rig, seconds);

    expect(output).toMatchObject({ counts: { stored: 4, failed: 0 } });
    expect(elapsedMs).toBeGreaterThanOrEqual(seconds * 1_000);
    // The same bound for every wait: it does not grow with it.
    expect(billed).toBeLessThan(20_000);
  });

  it('pays for a short wait a few times at most, not once for each item', async ({ rig }) => {
    const paths = Array.from({ length: 300 }, (_, index) => `/${index}`);
    for (const path of paths) rig.origin.on(path, { status: 503, headers: { 'Retry-After': '1' } });

    const plan = await rig.plan(listOf(rig, paths));
    await rig.transfer(plan);

    expect(rig.origin.requests.length).toBeLessThan(30);
  });
});
