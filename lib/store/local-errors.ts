/** What the file system's error codes mean to a run. Errors without a code (a body that broke off) pass unchanged. */
import type { ErrorName } from '../errors/catalogue.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { showKey } from './key-rules.ts';

const NAMES: Readonly<Record<string, ErrorName>> = {
  ENOSPC: 'StoreFull',
  EDQUOT: 'StoreFull',
  EACCES: 'StoreDenied',
  EPERM: 'StoreDenied',
  EROFS: 'StoreDenied',
  ENAMETOOLONG: 'KeyRefused',
  ELOOP: 'KeyRefused',
  ENOTDIR: 'KeyRefused',
  EISDIR: 'KeyRefused',
  EIO: 'StoreUnavailable',
  ESTALE: 'StoreUnavailable',
  ETIMEDOUT: 'StoreUnavailable',
  EMFILE: 'StoreUnavailable',
  ENFILE: 'StoreUnavailable',
};

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Runs an effect on the file system; `key` is what it was about. */
export async function withStoreErrors<T>(key: string, effect: () => Promise<T>): Promise<T> {
  try {
    return await effect();
  } catch (error) {
    throw storeError(key, error);
  }
}

/** The same for what is read bit by bit. */
export async function* eachWithStoreErrors<T>(key: string, items: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    throw storeError(key, error);
  }
}

function storeError(key: string, error: unknown): unknown {
  if (error instanceof SkyhaulError || !(error instanceof Error && 'syscall' in error)) return error;
  const code = codeOf(error) ?? 'unknown';
  return new SkyhaulError(NAMES[code] ?? 'StoreFailed', `${showKey(key)}: ${error.message}`, { cause: error });
}

/** The value, or `undefined` where there is no such file. */
export async function unlessMissing<T>(effect: Promise<T>): Promise<T | undefined> {
  try {
    return await effect;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
