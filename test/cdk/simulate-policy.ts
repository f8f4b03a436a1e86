import { render, type Synthesised } from './synth.ts';

/**
 * IAM's decision for the policies of one role, as far as ours go: Allow statements, action and resource patterns, and the
 * condition operators that stand in them. Whatever else is in a policy is refused, so that nothing is decided by a guess.
 */
export interface Request {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the request; those of S3 are filled in for the account itself. */
  readonly context?: Readonly<Record<string, string>>;
}

export interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Every statement of a role, in all policies attached to it. */
export function statementsOf({ ofType }: Synthesised, role: string): readonly Statement[] {
  return ofType('AWS::IAM::Policy')
    .filter(([, { Properties }]) => listOf(Properties.Roles).map(render).includes(role))
    .flatMap(([, { Properties }]) => {
      const { Statement } = Properties.PolicyDocument as { Statement: Record<string, unknown>[] };
      return Statement.map(readStatement);
    });
}

/** Logical ids of the roles, by the name that stands in them. */
export function rolesOf({ ofType }: Synthesised): Readonly<Record<string, string>> {
  return Object.fromEntries(
    ofType('AWS::IAM::Role').map(([id]) => [/^Downloader(\w+?)Role/.exec(id)?.[1] ?? id, id] as const),
  );
}

export function isAllowed(statements: readonly Statement[], { action, resource, context = {} }: Request): boolean {
  const keys = { 's3:ResourceAccount': '111111111111', ...context };
  return statements.some(
    (statement) =>
      statement.actions.some((pattern) => isLike(pattern, action)) &&
      statement.resources.some((pattern) => isLike(pattern, resource)) &&
      Object.entries(statement.conditions).every(([operator, wanted]) => holds(operator, wanted, keys)),
  );
}

function readStatement(statement: Record<string, unknown>): Statement {
  const { Effect, Action, Resource, Condition = {}, ...more } = statement;
  if (Effect !== 'Allow' || Object.keys(more).length > 0) throw new Error(`cannot judge ${JSON.stringify(statement)}`);
  const conditions = Object.entries(Condition as Record<string, Record<string, unknown>>).map(([operator, keys]) => [
    operator,
    Object.fromEntries(Object.entries(keys).map(([key, values]) => [key, listOf(values).map(render)])),
  ]);
  return {
    actions: listOf(Action).map(String),
    resources: listOf(Resource).map(render),
    conditions: Object.fromEntries(conditions),
  };
}

function holds(
  operator: string,
  wanted: Readonly<Record<string, readonly string[]>>,
  keys: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, patterns]) => {
    const value = keys[key];
    // A key that is not in the request makes the condition false.
    if (value === undefined) return false;
    if (operator === 'StringEquals') return patterns.includes(value);
    if (operator === 'StringLike') return patterns.some((pattern) => isLike(pattern, value));
    throw new Error(`cannot judge ${operator}`);
  });
}

/** `*` is any text, slashes and colons included, `?` any one character. */
function isLike(pattern: string, text: string): boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 's').test(text);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}
