import { z } from 'zod';
import { allowed } from '../lib/contract/issue-problems.ts';
import { formatCount } from './units.ts';

/**
 * What the value of a flag must be, in the words of the flag: `must be 1 to 100`, in its unit and not in that of the
 * option behind it. The limits are those of the option's schema.
 */
export function wantedText(
  schema: z.ZodType<unknown>,
  issue: z.core.$ZodIssue,
  show: (value: number) => string = formatCount,
): string {
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return allowed(issue);
  // The schema has words of its own.
  if (!issue.message.startsWith('Too ')) return issue.message;
  if (issue.code === 'too_small' && issue.origin === 'string' && issue.minimum === 1) return 'must not be empty';
  const range = rangeText(limitsAt(schema, issue.path), show);
  const part = PARTS[String(issue.path.at(-1))];
  return range === undefined ? `must be ${allowed(issue)}` : `${part === undefined ? '' : `${part} `}must be ${range}`;
}

/** Of a value that a flag writes in several parts. */
const PARTS: Readonly<Record<string, string>> = {
  connections: 'the connections',
  perSecond: 'the requests a second',
  burst: 'the burst',
};

type Limits = z.core.JSONSchema.JSONSchema;

function limitsAt(schema: z.ZodType<unknown>, path: readonly PropertyKey[]): Limits | undefined {
  const whole = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return path.reduce<unknown>((at, step) => {
    const { items, properties } = (at ?? {}) as Limits;
    return typeof step === 'number' ? items : properties?.[String(step)];
  }, whole) as Limits | undefined;
}

function rangeText(limits: Limits | undefined, show: (value: number) => string): string | undefined {
  const { minimum, maximum } = limits ?? {};
  // A boolean in the drafts before 2019 only.
  const exclusiveMinimum = Number(limits?.exclusiveMinimum ?? Number.NaN);
  // Every whole number has this one, said or not.
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? show(maximum) : undefined;
  if (!Number.isNaN(exclusiveMinimum)) {
    const least = `more than ${show(exclusiveMinimum)}`;
    return most === undefined ? least : `${least}, at most ${most}`;
  }
  const least = minimum === undefined ? undefined : show(minimum);
  if (least === undefined || most === undefined) return least === undefined ? undefined : `at least ${least}`;
  return `${least} to ${most}`;
}
