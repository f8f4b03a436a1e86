import { describe, expect } from 'vitest';
import { reportedLines } from '../../cli/reported-lines.ts';
import { readSummary } from '../../cli/watch-run.ts';
import { getJson, putJson } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { it, listOf } from '../support/run-context.ts';

const retry = () => ({ command: 'again' });

describe('what is said of a run that has its report', () => {
  it('is why its lines failed', async ({ rig }) => {
    rig.origin.on('/a', { body: 'a' });
    await rig.run(listOf(rig, ['/a', '/b', '/c']));
    const { state } = rig.context();
    const summary = await readSummary(state, 'r');
    if (!summary) throw new Error('no summary');

    const lines = await reportedLines(state, { summary, cwd: '/', retry });

    expect(lines).toContain('  2 x NotFound (404)');
    expect(lines).toContain(`    line 2  ${rig.origin.url('/b')} answered 404`);
    expect(lines).toContain(`  files    ${rig.root}`);
  });

  it('is what there is where the report was written by an older version', async ({ rig }) => {
    await rig.run(listOf(rig, ['/a', '/b', '/c']));
    const { state } = rig.context();
    const {
      again: _a,
      causes: _c,
      notTried: _n,
      errors: _e,
      ...old
    } = (await getJson(state, runKeys('r').counted)) as {
      readonly samples: readonly object[];
    } & Record<string, unknown>;
    await putJson(
      state,
      runKeys('r').counted,
      { ...old, samples: old.samples.slice(1) },
      { condition: { kind: 'any' } },
    );
    const summary = await readSummary(state, 'r');
    if (!summary) throw new Error('no summary');

    const lines = await reportedLines(state, { summary, cwd: '/', retry, to: './out' });

    expect(lines).toContain('  2 x NotFound');
    expect(lines.find((line) => line.includes('and 1 more: see'))).toContain('report.jsonl');
    expect(lines.slice(-2)).toEqual(['Run the failed lines again:', '  again']);
  });
});
