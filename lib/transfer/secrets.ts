import type { Item } from '../contract/item.ts';
import type { Options } from '../contract/options.ts';
import { type OpenRequest, type RequestOptions, request } from '../contract/request.ts';
import { isReference, type SecretBinding } from '../contract/secret.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** Where secrets come from, and where they may go. */
export interface Vault {
  readonly bindings: readonly SecretBinding[];
  /** The text of a secret, by the id of its binding. Throws SecretRefused, AwsUnavailable. */
  readonly read: (id: string) => Promise<string>;
}

/** Fields of an item and its batch in which references may stand. */
export type Asking = { readonly item: Item; readonly options: Pick<Options, 'request'> };

/**
 * The secrets of one invocation, each read once. A secret goes only to origins that it is bound to by whoever deployed or
 * started the run, never where a list alone says so; it never stands in a message.
 */
export class Secrets {
  readonly #vault: Vault;
  readonly #texts = new Map<string, string>();

  constructor(vault: Vault) {
    this.#vault = vault;
  }

  /** Reads what the item's request refers to. Throws SecretRefused before anything is sent, AwsUnavailable. */
  async prepare({ item, options }: Asking): Promise<void> {
    const { origin } = new URL(item.url);
    for (const { secret } of referencesOf(requestsOf({ item, options }))) {
      const { name, binding } = this.#bindingOf(secret, origin);
      if (this.#texts.has(name)) continue;
      this.#texts.set(name, await this.#vault.read(binding.id ?? binding.name));
    }
  }

  /** A prepared one. */
  open(reference: string, origin: string): string {
    const { name, field } = this.#bindingOf(reference, origin);
    const text = this.#texts.get(name);
    if (text === undefined) throw refused(name, 'was not read');
    if (field === undefined) return text;
    const value = fieldOf(text, field);
    if (value === undefined) throw refused(name, 'has no such field, or is no JSON');
    return value;
  }

  #bindingOf(reference: string, origin: string) {
    const { name, field } = split(reference);
    const binding = this.#vault.bindings.find((one) => one.name === name || one.id === name);
    if (binding === undefined) throw refused(name, 'is bound to no origin');
    if (!binding.origins.includes(origin)) throw refused(name, `is not bound to ${origin}`);
    return { name, field, binding };
  }
}

/** A request with its secrets in the place of their references. Throws SecretRefused, also where one is no value for it. */
export function openRequest(given: RequestOptions, origin: string, secrets: Secrets | undefined): OpenRequest {
  const [first] = referencesOf(given);
  if (first === undefined) return given as OpenRequest;
  const { body, ...rest } = given;
  const open = (reference: string): string => {
    if (secrets === undefined) throw refused(split(reference).name, 'is bound to no origin');
    return secrets.open(reference, origin);
  };
  const opened = { ...(replaced(rest, open) as object), ...(body !== undefined && { body }) };
  const checked = request.safeParse(opened);
  if (!checked.success) {
    const place = checked.error.issues[0]?.path.join('.') ?? 'it';
    throw refused(split(first.secret).name, `or another one is no value for \`${place}\``);
  }
  return opened as OpenRequest;
}

function requestsOf({ item, options }: Asking): readonly unknown[] {
  const { body: _, ...own } = item.request ?? {};
  const { body: __, ...ofBatch } = options.request ?? {};
  return [item.headers, item.auth, own, ofBatch];
}

/** What is posted as JSON is the user's own, whatever it looks like. */
function referencesOf(value: unknown): { secret: string }[] {
  if (isReference(value)) return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => (name === 'body' ? [] : referencesOf(one)));
}

function replaced(value: unknown, open: (reference: string) => string): unknown {
  if (isReference(value)) return open(value.secret);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replaced(one, open)]));
}

function split(reference: string): { readonly name: string; readonly field: string | undefined } {
  const at = reference.indexOf('#');
  return at < 0
    ? { name: reference, field: undefined }
    : { name: reference.slice(0, at), field: reference.slice(at + 1) };
}

function fieldOf(text: string, field: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, field)) return undefined;
    const value: unknown = Reflect.get(parsed, field);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function refused(name: string, why: string): SkyhaulError {
  return new SkyhaulError('SecretRefused', `the secret ${JSON.stringify(name)} ${why}`);
}
