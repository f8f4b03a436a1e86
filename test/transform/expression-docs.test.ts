import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { transformSpec } from '../../lib/contract/transform.ts';
import { makeCsv } from '../../lib/transform/csv.ts';
import { makeJsonl } from '../../lib/transform/jsonl.ts';
import { runText } from './csv-steps.ts';

/** Every example of the page is run. Code spans in two backticks hold single ones. */
const page = readFileSync(new URL('../../docs/expressions.md', import.meta.url), 'utf8');

function examplesBelow(title: string): string[][] {
  const [, section = ''] = page.split(`## ${title}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim().replace(/^(`+) ?(.*?) ?\1$/, '$2')),
  );
}

describe('docs/expressions.md', () => {
  const json = examplesBelow('Examples: JSON Lines');
  const csv = examplesBelow('Examples: CSV');

  it('has examples', () => {
    expect(json).toHaveLength(13);
    expect(csv).toHaveLength(11);
  });

  it.each(json)('jsonl: %s of %s is %s', async (where, line, wanted) => {
    const { counts } = await runText(makeJsonl({ where }), `${line}\n`);

    expect(counts.rowsOut === 1 ? 'kept' : 'dropped').toBe(wanted);
  });

  it.each(csv)('csv: %s of %s, %s is %s', async (where, header, row, wanted) => {
    const { counts } = await runText(makeCsv({ where }), `${header}\n${row}\n`);

    expect(counts.rowsOut === 1 ? 'kept' : 'dropped').toBe(wanted);
  });

  it('shows options that are accepted, and output that comes out', async () => {
    const [, options = ''] = page.match(/```json\n(.*?)\n```/s) ?? [];
    const { transform } = JSON.parse(options) as { transform: unknown };
    const [step] = transformSpec.parse(transform);
    if (step?.name !== 'csv') throw new Error('the page shows another step');
    const selected = await runText(makeJsonl({ select: ['id', 'user.name'] }), '{"user":{"name":"Ann"},"id":1}');

    expect((await runText(makeCsv(step), 'age,name,country\n18,Ann,DE\n')).text).toBe('name,age\nAnn,18\n');
    expect(page).toContain(`\`${selected.text}\``);
  });
});
