/**
 * The directory of a local store: finds and makes what keys name below it. Every segment is looked at with lstat, so no
 * symbolic link leads a key elsewhere. (Somebody who swaps a directory for a link between the look and the act could
 * still; Node has no openat. Whoever may do that may write there anyway.)
 */
import { type BigIntStats, constants, lstatSync } from 'node:fs';
import { lstat, mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { DirectorySync } from './directory-sync.ts';
import { checkLocalKey, showKey } from './key-rules.ts';
import { codeOf, unlessMissing } from './local-errors.ts';
import { makeDirectory } from './make-directory.ts';

/** What Skyhaul keeps for itself below a destination. */
export const OWN_DIRECTORY = '.skyhaul';
const PRIVATE = 0o700;
/** The first four would mean, of a key, that something of its own is in the way. */
const OF_THE_ROOT: ReadonlySet<string> = new Set([
  ...['ENOTDIR', 'EEXIST', 'ELOOP', 'ENAMETOOLONG'],
  ...['EACCES', 'EPERM', 'EROFS'],
]);
/** No write lasts longer; what is older was left by a crash. */
const LEFTOVER_AFTER_MS = 24 * 3_600_000;

export const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

export interface OwnFolders {
  readonly root: string;
  readonly tmp: string;
  readonly objects: string;
}

export interface Located {
  readonly path: string;
  /** Of the regular file that stands there. */
  readonly stats: BigIntStats | undefined;
}

export class LocalRoot {
  readonly path: string;
  readonly sync = new DirectorySync();
  readonly #now: () => number;
  readonly #making = new Map<string, Promise<void>>();
  #folders: Promise<OwnFolders> | undefined;

  constructor(path: string, now: () => number) {
    this.path = resolve(path);
    this.#now = now;
  }

  /** `undefined` while the directory does not exist: reading makes nothing. The root itself may be a link. */
  async find(): Promise<OwnFolders | undefined> {
    if (this.#folders !== undefined) return this.#folders;
    // The slash: of a file there is none.
    const root = await this.#asRoot(() => unlessMissing(realpath(`${this.path}/`)));
    return root === undefined ? undefined : foldersOf(root);
  }

  /** Makes the directory and our own folders in it, once. */
  prepare(): Promise<OwnFolders> {
    this.#folders ??= this.#asRoot(() => this.#prepare()).catch((error: unknown) => {
      this.#folders = undefined;
      throw error;
    });
    return this.#folders;
  }

  /** Where a key stands. Throws KeyRefused where it cannot stand: through a link, below or in place of something else. */
  async locate(key: string): Promise<Located | undefined> {
    const segments = checkLocalKey(key);
    const folders = await this.find();
    return folders === undefined ? undefined : this.#walk(folders.root, segments, key, false);
  }

  /** The same, and makes the directories on the way. */
  async makeWay(key: string): Promise<Located> {
    const segments = checkLocalKey(key);
    const { root } = await this.prepare();
    return this.#walk(root, segments, key, true);
  }

  async #walk(root: string, segments: readonly string[], key: string, make: boolean): Promise<Located> {
    const target = join(root, ...segments);
    let path = root;
    for (const [index, segment] of segments.entries()) {
      const isLast = index === segments.length - 1;
      const parent = path;
      path = join(parent, segment);
      // Synchronous, because such a look costs a tenth of one through the thread pool, and every small file needs several.
      let stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats === undefined) {
        if (isLast || !make) return { path: target, stats: undefined };
        await this.#makeDirectory(parent, path);
        stats = await lstat(path, { bigint: true });
      }
      if (stats.isSymbolicLink()) throw refuse(key, path, 'is a symbolic link');
      if (isLast) {
        if (!stats.isFile()) throw refuse(key, path, stats.isDirectory() ? 'is a directory' : 'is no regular file');
        return { path: target, stats };
      }
      if (!stats.isDirectory()) throw refuse(key, path, 'is a file, not a directory');
      // Another lane may have made it and still be waiting for the disk.
      await this.#making.get(path);
    }
    return { path: target, stats: undefined };
  }

  async #makeDirectory(parent: string, path: string): Promise<void> {
    const made = this.#making.get(path) ?? this.#makeDurably(parent, path).finally(() => this.#making.delete(path));
    this.#making.set(path, made);
    await made;
  }

  async #makeDurably(parent: string, path: string): Promise<void> {
    await makeIfMissing(path, basename(path) === OWN_DIRECTORY ? PRIVATE : 0o777);
    await this.sync.sync(parent);
  }

  /** What is wrong with the directory itself is no matter of a key. */
  async #asRoot<T>(effect: () => Promise<T>): Promise<T> {
    try {
      return await effect();
    } catch (error) {
      if (!OF_THE_ROOT.has(codeOf(error) ?? '')) throw error;
      const why = (await wrongOnTheWay(this.path)) ?? (error instanceof Error ? error.message : String(error));
      throw new SkyhaulError('StoreDenied', `The destination cannot be used: ${why}.`, { cause: error });
    }
  }

  async #prepare(): Promise<OwnFolders> {
    if (basename(this.path) === OWN_DIRECTORY) {
      await makeDirectory(dirname(this.path));
      await makeIfMissing(this.path, PRIVATE);
    } else {
      await makeDirectory(this.path);
    }
    const folders = foldersOf(await realpath(this.path));
    for (const folder of [join(folders.root, OWN_DIRECTORY), folders.tmp, folders.objects]) {
      await makeIfMissing(folder, PRIVATE);
      if (!(await lstat(folder)).isDirectory()) {
        throw new SkyhaulError('StoreDenied', `${folder} is not a directory; Skyhaul keeps its own files there.`);
      }
    }
    await this.#sweep(folders.tmp);
    return folders;
  }

  /** What a crash left. Open uploads stay: they are listed, and whoever began them aborts them. */
  async #sweep(tmp: string): Promise<void> {
    for (const name of await readdir(tmp)) {
      if (!/\.(tmp|gone|swap)$/.test(name)) continue;
      const path = join(tmp, name);
      const stats = await unlessMissing(stat(path));
      if (stats !== undefined && this.#now() - stats.mtimeMs > LEFTOVER_AFTER_MS) {
        await rm(path, { recursive: true, force: true });
      }
    }
  }
}

function foldersOf(root: string): OwnFolders {
  return { root, tmp: join(root, OWN_DIRECTORY, 'tmp'), objects: join(root, OWN_DIRECTORY, 'objects') };
}

/** What stands in the way to `path`, or in its place, and is no directory. */
async function wrongOnTheWay(path: string): Promise<string | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return dirname(path) === path ? undefined : wrongOnTheWay(dirname(path));
  const target = await stat(path).catch(codeOf);
  if (target === 'ENOENT') return `${showKey(path)} is a symbolic link that leads nowhere`;
  return typeof target === 'object' && !target.isDirectory()
    ? `${showKey(path)} is a file, not a directory`
    : undefined;
}

async function makeIfMissing(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

function refuse(key: string, path: string, why: string): SkyhaulError {
  return new SkyhaulError('KeyRefused', `The key ${showKey(key)} cannot be stored: ${showKey(path)} ${why}.`);
}
