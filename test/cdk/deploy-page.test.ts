import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readDeployPage } from './deploy-page.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = readDeployPage();

/** First cells of the table under a head, names in code. */
function firstCells(head: string): string[] {
  const table = page.slice(page.indexOf(`\n${head}`) + 1).split('\n\n')[0] ?? '';
  const cells = table
    .split('\n')
    .slice(2)
    .map((row) => row.split('|')[1] ?? '');
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''));
}

describe('docs/deploy.md', () => {
  it('has a row for every prop, and every prop says its default', () => {
    const props = read('cdk/props.ts').split('export interface BatchDownloaderProps')[1] ?? '';
    const declared = [...props.matchAll(/^ {2}readonly (\w+)\?/gm)].map(([, name]) => name);

    expect(declared.length).toBeGreaterThan(15);
    expect(firstCells('| Prop |').sort()).toEqual([...declared].sort());
    expect(props.match(/^ {3}\* @default ./gm)).toHaveLength(declared.length);
  });

  it('has a row for every context value', () => {
    const context = read('cdk/context.ts');
    const single = [...context.matchAll(/\b(?:text|number|list|choice|folders|object)\(\w+, '(\w+)'/g)].map(
      ([, name]) => name ?? '',
    );
    const perFunction = [...context.matchAll(/`\$\{name\}(\w+)`/g)].flatMap(([, suffix]) =>
      ['plan', 'transfer', 'report', 'janitor'].map((name) => `${name}${suffix}`),
    );

    expect(perFunction).toHaveLength(8);
    expect(firstCells('| Context value |').sort()).toEqual([...single, ...perFunction].sort());
  });
});
