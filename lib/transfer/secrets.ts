import type { Item } from '../contract/item.ts';
import type { Options } from '../contract/options.ts';
import { originOfProxy } from '../contract/proxy.ts';
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
    for (const { secret, receivers } of referencesIn({ item, options })) {
      const { name, binding } = this.#bindingOf(secret, receivers);
      if (this.#texts.has(name)) continue;
      this.#texts.set(name, await this.#vault.read(binding.id ?? binding.name));
    }
  }

  /** A prepared one. */
  open(reference: string, receivers: readonly string[]): string {
    const { name, field } = this.#bindingOf(reference, receivers);
    const text = this.#texts.get(name);
    if (text === undefined) throw refused(name, 'was not read');
    if (field === undefined) return text;
    const value = fieldOf(text, field);
    if (value === undefined) throw refused(name, 'has no such field, or is no JSON');
    return value;
  }

  #bindingOf(reference: string, receivers: readonly string[]) {
    const { name, field } = split(reference);
    const binding = this.#vault.bindings.find((one) => one.name === name || one.id === name);
    if (binding === undefined) throw refused(name, 'is bound to no origin');
    const stranger = receivers.find((origin) => !binding.origins.includes(origin));
    if (stranger !== undefined) throw refused(name, `is not bound to ${stranger}`);
    return { name, field, binding };
  }
}

/** A request with its secrets in the place of their references. Throws SecretRefused, also where one is no value for it. */
export function openRequest(
  given: RequestOptions,
  receivers: readonly string[],
  secrets: Secrets | undefined,
): OpenRequest {
  const [first] = referencesOf(given);
  if (first === undefined) return given as OpenRequest;
  const { body, proxy, ...rest } = given;
  const openFor = (origins: readonly string[]) => (reference: string) => {
    if (secrets === undefined) throw refused(split(reference).name, 'is bound to no origin');
    return secrets.open(reference, origins);
  };
  const opened = {
    ...(replaced(rest, openFor(receivers)) as object),
    ...(proxy !== undefined && { proxy: proxy && replaced(proxy, openFor([originOfProxy(proxy)])) }),
    ...(body !== undefined && { body }),
  };
  const checked = request.safeParse(opened);
  if (!checked.success) {
    const place = checked.error.issues[0]?.path.join('.') ?? 'it';
    throw refused(split(first.secret).name, `or another one is no value for \`${place}\``);
  }
  return opened as OpenRequest;
}

/**
 * Origins that can read what is sent: that of the URL, and that of a proxy where no usual certificate stands between the
 * two. A list that names proxy and `ca` itself must not be able to have a secret sent to whomever it likes.
 */
export function receiversOf({ item, options }: Asking): readonly string[] {
  const { origin, protocol } = new URL(item.url);
  const { proxy = false, ca } = { ...options.request, ...item.request };
  return proxy && (protocol === 'http:' || ca !== undefined) ? [origin, originOfProxy(proxy)] : [origin];
}

/** Every reference, with the origins that its secret must be bound to. */
function referencesIn(asking: Asking): { secret: string; receivers: readonly string[] }[] {
  const { item, options } = asking;
  const { body: _, proxy: own, ...asked } = item.request ?? {};
  const { body: __, proxy: ofBatch, ...ofAll } = options.request ?? {};
  const receivers = receiversOf(asking);
  return [
    ...referencesOf([item.headers, item.auth, asked, ofAll]).map(({ secret }) => ({ secret, receivers })),
    ...[own, ofBatch].flatMap((proxy = false) =>
      proxy ? referencesOf(proxy).map(({ secret }) => ({ secret, receivers: [originOfProxy(proxy)] })) : [],
    ),
  ];
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
