import { isCredentialName } from './inline-secrets.ts';
import { unsupportedInOptions } from './not-supported.ts';
import { options } from './options.ts';
import { checkContract } from './parse.ts';
import { type Problem, problem } from './problem.ts';
import { isReference } from './secret.ts';

/**
 * Options of a deployment stand in its template and in the settings of a function, where many may read them. So every
 * credential in them is a reference to a secret; a body and cookies, which cannot be one, belong into the batch.
 */
export function checkDefaults(defaults: unknown): readonly Problem[] {
  const literal = literalSecrets(defaults);
  if (literal.length > 0) return literal;
  const checked = checkContract(options, defaults);
  return checked.ok ? unsupportedInOptions(checked.value) : checked.problems;
}

/** Never throws, whatever is given: what is of no known shape is the schema's matter. */
export function literalSecrets(defaults: unknown): readonly Problem[] {
  const { auth, headers, query, clientCertificate, cookies, body, proxy } = fieldsOf(fieldsOf(defaults).request);
  const literal = [
    ...secretFields('auth', auth, (name) => /^(password|token|secretAccessKey|sessionToken)$/.test(name)),
    ...secretFields('headers', headers, (name) => isCredentialName(name) || HEADER.test(name)),
    ...secretFields('query', query, isCredentialName),
    ...secretFields('clientCertificate', clientCertificate, (name) => name === 'key'),
    ...secretFields('proxy', proxy, (name) => name === 'password'),
  ].map((field) => told(field, `keep it in a vault, give it in \`secrets\`, and write ${REFERENCE} here`));
  const inBatch = [
    ...(typeof cookies === 'object' && cookies !== null ? ['request.cookies'] : []),
    ...(body === undefined ? [] : ['request.body']),
  ].map((field) => told(field, 'give it with each batch'));
  return [...literal, ...inBatch];
}

/** Names of the secrets that a request refers to, without their fields. */
export function secretsIn(request: unknown): readonly string[] {
  if (isReference(request)) return [request.secret.split('#')[0] ?? ''];
  return Object.values(fieldsOf(request)).flatMap(secretsIn);
}

const REFERENCE = '`{ "secret": "name#field" }`';
const HEADER = /auth|cookie|session|token/i;

function told(field: string, cure: string): Problem {
  return problem(field, cure, `\`${field}\` would stand in the template for many to read: ${cure}`);
}

/** Fields of that kind, at any depth, that hold a text and no reference. */
function secretFields(path: string, value: unknown, isSecret: (name: string) => boolean): readonly string[] {
  return Object.entries(fieldsOf(value)).flatMap(([name, one]): readonly string[] => {
    const field = `${path}.${name}`;
    if (isReference(one)) return [];
    if (typeof one === 'object') return secretFields(field, one, isSecret);
    return one !== undefined && isSecret(name) ? [`request.${field}`] : [];
  });
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
