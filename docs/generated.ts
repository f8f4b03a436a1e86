import { z } from 'zod';
import { batchInput } from '../lib/contract/batch-input.ts';
import { item } from '../lib/contract/item.ts';
import { ledgerRow } from '../lib/contract/ledger-row.ts';
import { shard } from '../lib/contract/machine.ts';
import { options } from '../lib/contract/options.ts';
import { outcome } from '../lib/contract/outcome.ts';
import { summary } from '../lib/contract/summary.ts';
import { type CatalogueEntry, catalogue } from '../lib/errors/catalogue.ts';

/**
 * The documents that are made from the sources: JSON Schemas of the contract and the page of errors. What people write
 * is described as it may be written (defaults optional), what they read as it comes out.
 */
type Direction = 'input' | 'output';
type JsonObject = Record<string, unknown>;

const SCHEMAS: readonly (readonly [string, z.ZodType, Direction])[] = [
  ['batch-input', batchInput, 'input'],
  ['options', options, 'input'],
  ['item', item, 'input'],
  ['shard', shard, 'output'],
  ['ledger-row', ledgerRow, 'output'],
  ['outcome', outcome, 'output'],
  ['summary', summary, 'output'],
];

/** Path below `docs/` → content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const files = new Map(
    SCHEMAS.map(([name, schema, direction]) => [
      `schemas/${name}.schema.json`,
      `${JSON.stringify(jsonSchema(name, schema, direction), null, 2)}\n`,
    ]),
  );
  return files.set('errors.md', errorsPage());
}

function jsonSchema(name: string, schema: z.ZodType, io: Direction): JsonObject {
  const made = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema: part }) => {
      // Later versions may add fields to what people read.
      if (io === 'output') delete part.additionalProperties;
      // Inline items are checked one by one, so zod takes any; readers of the schema get the real one.
      if (name === 'batch-input' && part.maxItems !== undefined) part.items = { $ref: 'item.schema.json' };
    },
  });
  // zod puts a schema with an id below `$defs` and points there; the root may as well be the schema itself.
  const { $schema, $ref: _, $defs = {}, ...inline } = made;
  const { [name]: own, ...others } = $defs;
  const defs = Object.keys(others).length > 0 ? { $defs: others } : {};
  return { $schema, $id: `${name}.schema.json`, ...inline, ...own, ...defs };
}

const GROUPS: readonly (readonly [CatalogueEntry['scope'], string, string])[] = [
  ['item', 'Errors of an item', 'They end one item, as a `failed` outcome in the report. Everything else goes on.'],
  ['run', 'Errors of a run', 'They concern every item alike, so the run stops.'],
  ['input', 'Errors of the input', 'Nothing was started. The message names every problem.'],
];

function errorsPage(): string {
  const groups = GROUPS.map(([scope, title, text]) => {
    const entries = Object.entries<CatalogueEntry>(catalogue).filter(([, entry]) => entry.scope === scope);
    const rows = entries.map(([name, { when, retryable, cure }]) => [
      `<a id="${name}"></a>\`${name}\``,
      when,
      retryable ? 'yes' : 'no',
      cure,
    ]);
    return `## ${title}\n\n${text}\n\n${table(['Error', 'When', 'Retried', 'What to do'], rows)}`;
  });
  return `${INTRODUCTION}\n${groups.join('\n')}`;
}

/** Columns are padded, as the formatter wants them. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((text) => text.replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const [first, ...rest] = cells.map((row) => row.map((text, column) => text.padEnd(widths[column] ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  return [first, rule, ...rest].map((row) => `| ${row?.join(' | ')} |\n`).join('');
}

const INTRODUCTION = `# Errors

Every error has a name. It stands in the outcomes of \`report.jsonl\`, in logs, in metrics and as the error name of a state
machine execution, and it never changes. Retried means: Skyhaul itself tries again, in the same invocation or in a later
round, until \`attempts\` is used up.

This page is generated from \`lib/errors/catalogue.ts\` by \`npm run generate\`.
`;
