import leven from 'leven';
import type { z } from 'zod';
import { fieldName, invalid, type Problem, problem, shownName, shownValue } from './problem.ts';

type Issue = z.core.$ZodIssue;

const WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** One sentence for everything that zod finds, with the value that stands there. */
export function issueProblems(schema: z.core.$ZodType, root: unknown, issue: Issue): Problem[] {
  const field = fieldName(issue.path);
  const found = foundAt(root, issue.path);
  const shown = shownValue(issue.path, found);
  if (issue.code === 'unrecognized_keys') {
    const known = knownFields(schemaAt(schema, issue.path, root), found);
    return issue.keys.map((key) => unknownField([...issue.path, key], known));
  }
  if (found === undefined && issue.code === 'invalid_type') {
    return [problem(field, 'required', field === '' ? 'nothing is given' : `\`${field}\` is missing`)];
  }
  const fault = invalid(field, issue.code === 'custom' ? undefined : shown, allowed(issue));
  const near = typeof found === 'string' ? nearest(found, choices(issue)) : undefined;
  return [near === undefined ? fault : { ...fault, text: `${fault.text}; did you mean \`${near}\`?` }];
}

/** What a value may be that has this issue, without the value. */
export function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return WORDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return choices(issue).map(quoted).join(' or ');
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`;
    case 'invalid_key':
      return `the name must be ${issue.issues[0]?.message ?? 'another'}`;
    case 'invalid_union':
      return choices(issue).map(quoted).join(' or ') || issue.message;
    default:
      return issue.message;
  }
}

/** The values there are, where they can be counted. */
function choices(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  return issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)
    ? issue.options.map(String)
    : [];
}

function quoted(name: string): string {
  return `\`${name}\``;
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' elements' : '';
}

/** So many names may be told to somebody who came near none. */
const FEW = 6;

function unknownField(path: readonly PropertyKey[], known: readonly string[]): Problem {
  const field = fieldName(path);
  const near = nearest(shownName(path.at(-1) ?? ''), known);
  const all = known.length > 0 && known.length <= FEW ? `; known are ${known.map(quoted).join(', ')}` : '';
  const hint = near === undefined ? all : `; did you mean \`${near}\`?`;
  return problem(field, near === undefined ? 'a known field' : `\`${near}\``, `unknown field \`${field}\`${hint}`);
}

/** The known name that somebody may have meant: spelled another way (`content_type`), or mistyped. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_.-]/g, '');
  const ranked = known
    .map((candidate) => ({ candidate, distance: leven(plain(candidate), plain(name)) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

/** A step of a transform that is a text is looked at as an object of that name. */
function foundAt(root: unknown, path: readonly PropertyKey[]): unknown {
  const parent = valueAt(root, path.slice(0, -1));
  return typeof parent === 'string' && path.at(-1) === 'name' ? parent : valueAt(root, path);
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, step) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    return Reflect.get(value, step);
  }, root);
}

function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[], root: unknown): z.core.$ZodType | undefined {
  return path.reduce<z.core.$ZodType | undefined>((at, step, depth) => {
    const { def } = namedShape(at, valueAt(root, path.slice(0, depth)))?._zod ?? {};
    if (isObject(def)) return Object.hasOwn(def.shape, step) ? def.shape[String(step)] : undefined;
    return isArray(def) ? def.element : undefined;
  }, schema);
}

function knownFields(schema: z.core.$ZodType | undefined, value: unknown): string[] {
  const def = namedShape(schema, value)?._zod.def;
  return isObject(def) ? Object.keys(def.shape) : [];
}

/** Of several shapes the one that the value names itself, as a step of a transform does; else the only object. */
function namedShape(schema: z.core.$ZodType | undefined, value: unknown): z.core.$ZodType | undefined {
  const inner = unwrap(schema);
  const def = inner?._zod.def;
  if (!isUnion(def)) return inner;
  if (!isNamedUnion(def)) {
    const objects = def.options.filter((option) => isObject(option._zod.def));
    return objects.length === 1 ? objects[0] : inner;
  }
  const name = valueAt(value, [def.discriminator]);
  return def.options.find(({ _zod }) => _zod.propValues?.[def.discriminator]?.has(name as string));
}

/** Takes `optional`, `default`, `prefault` and `preprocess` off. */
function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = schema;
  for (;;) {
    const def = inner?._zod.def;
    if (def && 'innerType' in def) inner = def.innerType as z.core.$ZodType;
    else if (def && 'out' in def) inner = def.out as z.core.$ZodType;
    else break;
  }
  return inner;
}

function isObject(def: z.core.$ZodTypeDef | undefined): def is z.core.$ZodObjectDef {
  return def?.type === 'object';
}

function isUnion(def: z.core.$ZodTypeDef | undefined): def is z.core.$ZodUnionDef {
  return def?.type === 'union';
}

function isNamedUnion(def: z.core.$ZodUnionDef): def is z.core.$ZodDiscriminatedUnionDef {
  return 'discriminator' in def;
}

function isArray(def: z.core.$ZodTypeDef | undefined): def is z.core.$ZodArrayDef {
  return def?.type === 'array';
}
