import type { Outcome } from '../../lib/contract/outcome.ts';
import { crc32, crc32Hex } from '../../lib/store/crc32.ts';
import type { StoredObject } from '../../lib/store/object-store.ts';
import { type Expected, type SmokeItem, type Source, smokeItems, sources } from './smoke-items.ts';

/** What was wanted and what was found, as data; the table and the exit code are made of it. Pure. */
export interface Check {
  readonly title: string;
  readonly found: string;
  readonly isGood: boolean;
}

export interface Kept extends StoredObject {
  readonly body: Buffer;
  readonly contentEncoding: string | undefined;
}

/** One check for each line of the report, and one for its length. `kept` holds the objects, by key. */
export function checkReport(outcomes: readonly Outcome[], kept: ReadonlyMap<string, Kept>): Check[] {
  const lines = smokeItems.map((item, index) => {
    const outcome = outcomes[index];
    const problems = outcome ? problemsOf(item, index + 1, outcome, kept) : ['not in the report'];
    return check(`${index + 1}. ${item.title}`, outcome ? shown(outcome) : 'nothing', problems);
  });
  const wanted = new Set(outcomes.flatMap(({ outcome, key }) => (outcome === 'stored' && key ? [key] : [])));
  const foreign = [...kept.keys()].filter((key) => !wanted.has(key));
  return [
    ...lines,
    check(
      'one line for each item',
      `${outcomes.length} lines`,
      outcomes.length === smokeItems.length ? [] : [`wanted ${smokeItems.length}`],
    ),
    check(
      'one object for each stored item',
      `${kept.size} objects`,
      foreign.map((key) => `nobody asked for ${key}`),
    ),
  ];
}

export function check(title: string, found: string, problems: readonly string[]): Check {
  return { title, found: [found, ...problems].join('; '), isGood: problems.length === 0 };
}

export function tableOf(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ title }) => title.length));
  return checks
    .map(({ title, found, isGood }) => `${isGood ? 'ok    ' : 'WRONG '} ${title.padEnd(width)}  ${found}\n`)
    .join('');
}

function problemsOf(item: SmokeItem, line: number, outcome: Outcome, kept: ReadonlyMap<string, Kept>): string[] {
  const problems = differences({ line }, { line: outcome.line });
  if (!isExpected(item.expected, outcome)) return [...problems, `wanted ${JSON.stringify(item.expected)}`];
  if (outcome.outcome !== 'stored') return problems;
  const source = sources[item.source];
  const object = kept.get(outcome.key ?? '');
  if (!source || !object) return [...problems, 'there is no object'];
  return [...problems, ...objectProblems(item, source, outcome, object)];
}

function isExpected(expected: Expected, outcome: Outcome): boolean {
  if (expected.outcome !== outcome.outcome) return false;
  if (expected.outcome === 'stored') return expected.verified === outcome.verified;
  if (expected.outcome === 'skipped') return expected.reason === outcome.reason;
  return outcome.error !== undefined && expected.errors.includes(outcome.error);
}

function objectProblems({ says = {} }: SmokeItem, source: Source, outcome: Outcome, object: Kept): string[] {
  const { body } = source;
  const sum = crc32(body);
  const problems = differences(
    {
      bytes: body.length,
      crc32: crc32Hex(sum),
      'CRC32 in S3': sum,
      'content encoding': source.contentEncoding,
      ...says.metadata,
    },
    {
      bytes: outcome.bytes,
      crc32: outcome.crc32,
      'CRC32 in S3': object.crc32,
      'content encoding': object.contentEncoding,
      ...object.metadata,
    },
  );
  const contentType = says.contentType ?? source.contentType;
  if (contentType !== undefined) problems.push(...differences({ contentType }, { contentType: object.contentType }));
  return body.equals(object.body) ? problems : [...problems, 'other bytes than at the source'];
}

function differences(wanted: Record<string, unknown>, found: Record<string, unknown>): string[] {
  return Object.entries(wanted).flatMap(([name, value]) =>
    found[name] === value ? [] : [`${name} ${String(found[name])}, wanted ${String(value)}`],
  );
}

function shown({ outcome, error, reason, bytes, verified }: Outcome): string {
  if (outcome === 'stored') return `stored, ${bytes} bytes, proven by ${verified}`;
  return `${outcome}, ${error ?? reason}`;
}
