import type { Options } from '../contract/options.ts';
import { type TransformSpec, usesModule } from '../contract/transform.ts';
import type { ItemWork } from '../contract/work.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import { crc32, crc32Hex } from '../store/crc32.ts';
import { type Chain, makeChain } from '../transform/chain.ts';
import { DEFAULT_TRANSFORM_LIMITS } from '../transform/limits.ts';
import { type ItemAbout, moduleFailure } from '../transform/module-session.ts';
import { consumeByModule } from '../transform/module-step.ts';
import type { LoadUserModule, UserModule } from '../transform/user-module.ts';
import type { ItemJob } from './item-job.ts';

export interface ItemTransform {
  readonly chain: Chain;
  /** Tells it from every other, in the metadata of what it makes. */
  readonly mark: string;
  /** Reads what comes out of the chain: no object is made of it. */
  readonly consume?: (input: AsyncIterable<Uint8Array>, about: ItemAbout) => Promise<unknown>;
}

/**
 * The transforms of an item, else those of the batch. Throws BatchInvalid for an expression that says nothing and for a
 * module that is not there or does something else.
 */
export function transformOf(
  work: Pick<ItemWork, 'item'>,
  options: Options,
  userModule?: UserModule,
): ItemTransform | undefined {
  const specs = specsOf(work, options);
  if (!specs) return undefined;
  const consume = consumerOf(work, specs, userModule);
  const chain = makeChain(consume ? specs.slice(0, -1) : specs, DEFAULT_TRANSFORM_LIMITS, userModule);
  // The names for people, the sum for us: with another expression or module the same source makes another object.
  const sum = crc32Hex(crc32(Buffer.from(JSON.stringify(specs) + (userModule?.id ?? ''))));
  return { chain, mark: `${specs.map(({ name }) => name).join(',')} ${sum}`, ...(consume && { consume }) };
}

/** The user's module, where the item has a use for it. Throws TransformFailed for one that cannot be loaded. */
export async function moduleOf(
  work: Pick<ItemWork, 'item'>,
  options: Options,
  load: LoadUserModule | undefined,
): Promise<UserModule | undefined> {
  if (!load || !usesModule(specsOf(work, options))) return undefined;
  try {
    return await load();
  } catch (error) {
    throw error instanceof SkyhaulError ? error : moduleFailure(error);
  }
}

function specsOf({ item }: Pick<ItemWork, 'item'>, options: Options): TransformSpec | undefined {
  return item.transform ?? options.transform;
}

/** What a module is told. */
export function aboutItem(
  { work, signal, log }: Pick<ItemJob, 'work' | 'signal' | 'log'>,
  source: OpenedSource,
): ItemAbout {
  const { framing, validators, contentType } = source;
  return {
    url: redactUrl(work.item.url),
    key: work.key,
    line: work.line,
    id: work.item.id,
    contentType,
    bytes: framing.kind === 'length' ? framing.bytes : undefined,
    etag: validators.strongEtag,
    signal,
    log: log ?? (() => undefined),
  };
}

/** The last step consumes where the module can do nothing else, or the item wants no object of it. */
function consumerOf({ item }: Pick<ItemWork, 'item'>, specs: TransformSpec, userModule: UserModule | undefined) {
  const spec = specs.at(-1);
  const { consume, transform } = userModule ?? {};
  if (!userModule || !consume || spec?.name !== 'module') return undefined;
  if (transform && item.result !== 'none') return undefined;
  if (item.result === 'object') {
    throw new SkyhaulError(
      'BatchInvalid',
      `result: ${userModule.file} exports only \`consume\`, which makes no object`,
    );
  }
  return (input: AsyncIterable<Uint8Array>, about: ItemAbout) =>
    consumeByModule({ ...userModule, consume }, spec, input, about);
}
