import { z } from 'zod';

/**
 * A value that stands in a vault and not in the list: name or ARN of a secret, and of one that is JSON the field. It is
 * read where the source is asked, and goes to no origin that it is not bound to.
 */
export const secretReference = z.strictObject({
  secret: z
    .string()
    .regex(/^[\w/+=.@:-]{1,2048}(#[^#\p{Cc}]{1,256})?$/u, 'name or ARN of a secret, with `#field` if it is JSON'),
});

export type SecretReference = z.infer<typeof secretReference>;

/** To which origins a secret may go. */
const binding = z.strictObject({
  /** As references name it, without a field. */
  name: z.string().min(1),
  /** By which the vault knows it, where that is another name; references may use it, too. */
  id: z.string().min(1).optional(),
  /** `https://api.example.com`, with the port where it is not the usual one. */
  origins: z.array(z.string()),
});

export const secretBindings = z.array(binding);
export type SecretBinding = z.infer<typeof binding>;

/** What a value is once its secrets stand in the place of their references. */
export type Opened<T> = T extends SecretReference
  ? never
  : T extends object
    ? { readonly [K in keyof T]: Opened<T[K]> }
    : T;

export function isReference(value: unknown): value is SecretReference {
  return typeof value === 'object' && value !== null && 'secret' in value && typeof value.secret === 'string';
}
