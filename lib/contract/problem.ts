import type { ErrorName } from '../errors/catalogue.ts';
import { redactUrl } from '../errors/redact-url.ts';

/**
 * What is wrong with one field of an input, as data. Texts name the field, what was found and what is allowed; they
 * never show credentials: no header, body, query or user info, and nothing of a name that may be a misplaced secret.
 */
export interface Problem {
  /** Path such as `request.headers.accept`; empty for the value as a whole. */
  readonly field: string;
  /** What was found, short and harmless; none where it is missing or not to be shown. */
  readonly value: string | undefined;
  readonly allowed: string;
  /** The whole sentence. */
  readonly text: string;
  /** The catalogue's name for it, where it is more than invalid input. */
  readonly error?: ErrorName;
}

const SECRET_FIELDS: ReadonlySet<PropertyKey> = new Set([
  'headers',
  'auth',
  'body',
  'query',
  'cookies',
  'proxy',
  'ca',
  'clientCertificate',
]);
const NAME = /^[\p{L}\p{N}_$.-]{1,64}$/u;
const MAX_SHOWN = 60;
const MAX_SHOWN_URL = 200;

/** A field whose value is not what it may be. */
export function invalid(field: string, value: string | undefined, allowed: string, error?: ErrorName): Problem {
  const name = field === '' ? '' : `\`${field}\`: `;
  const found = value === undefined ? '' : `, found ${value}`;
  return { field, value, allowed, text: `${name}${allowed}${found}`, error };
}

/** A problem whose sentence does not fit the pattern "field: allowed, found value". */
export function problem(field: string, allowed: string, text: string, error?: ErrorName): Problem {
  return { field, value: undefined, allowed, text, error };
}

/** `request.headers.accept`, `items[3]`. Names that look like anything but a name are not repeated. */
export function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === 'number') return `${name}[${step}]`;
    return name === '' ? shownName(step) : `${name}.${shownName(step)}`;
  }, '');
}

export function shownName(name: PropertyKey): string {
  const text = String(name);
  return NAME.test(text) ? text : '(unreadable name)';
}

/** What may be shown of the value at `path`. */
export function shownValue(path: readonly PropertyKey[], value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (path.some((step) => SECRET_FIELDS.has(step))) return '(not shown)';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'string') return 'an object';
  // A text that stands for the whole input may be a line of anything.
  if (path.length === 0) return 'a text';
  if (path.at(-1) === 'url' || value.includes('://')) return cut(redactUrl(value), MAX_SHOWN_URL);
  return JSON.stringify(cut(value, MAX_SHOWN));
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
