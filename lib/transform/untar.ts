/**
 * A tar archive into its files, one after another, none of it held. Every file gets its own path, checked; links, devices
 * and pipes are left out and counted as dropped rows, because an object cannot be one. An archive that is cut off, has no
 * end mark, says something twice or asks for something we do not know is refused.
 */

import { MiB } from '../contract/limits.ts';
import type { StepOptions } from '../contract/transform.ts';
import { showKey } from '../store/key-rules.ts';
import { ByteReader } from './byte-reader.ts';
import { entryPath } from './entry-path.ts';
import { checkSize } from './limits.ts';
import {
  parseTarHeader,
  parseTarRecords,
  refuseTar,
  TAR_BLOCK,
  type TarHeader,
  type TarRecords,
  tarText,
} from './tar-header.ts';
import type { SplitObject, SplitStep, StepCounts, TransformLimits } from './transform.ts';

/** Of a long name or an extended header, which are held. */
const MAX_HEADER_BYTES = MiB;

export function makeUntar(options: Omit<StepOptions<'untar'>, 'name'>, limits: TransformLimits): SplitStep {
  return { name: 'untar', split: (input, counts) => new Untar(input, counts, options, limits).files() };
}

class Untar {
  readonly #input: ByteReader;
  readonly #counts: StepCounts;
  readonly #options: Omit<StepOptions<'untar'>, 'name'>;
  readonly #limits: TransformLimits;
  readonly #paths = new Set<string>();
  #bytesOut = 0;

  constructor(
    input: AsyncIterable<Uint8Array>,
    counts: StepCounts,
    options: Omit<StepOptions<'untar'>, 'name'>,
    limits: TransformLimits,
  ) {
    this.#input = new ByteReader(input);
    this.#counts = counts;
    this.#options = options;
    this.#limits = limits;
  }

  async *files(): AsyncGenerator<SplitObject> {
    try {
      for (let entry = await this.#next(); entry !== undefined; entry = await this.#next()) {
        const path = this.#pathOf(entry);
        const body = new EntryBody(this.#input, entry.bytes);
        if (path !== undefined) yield { path, bytes: entry.bytes, body: body.chunks() };
        await body.skip();
      }
      await this.#readPadding();
    } finally {
      await this.#input.close();
    }
  }

  /** The next entry, with what the headers before it say; none at the end mark. */
  async #next(): Promise<TarHeader | undefined> {
    const said: { path?: string; bytes?: number } = {};
    while (true) {
      const header = await this.#header();
      if (header === undefined) {
        if (Object.keys(said).length > 0) throw cutOff();
        return undefined;
      }
      if (header.kind === 'extended') Object.assign(said, parseTarRecords(await this.#held(header)));
      else if (header.kind === 'long name') said.path = tarText(await this.#held(header));
      else if (header.kind === 'global') checkGlobal(parseTarRecords(await this.#held(header)));
      else if (header.kind === 'long link') await this.#held(header);
      else return asEntry(header, said);
    }
  }

  async #header(): Promise<TarHeader | undefined> {
    const block = await this.#input.exactly(TAR_BLOCK);
    if (block.length === 0) throw refuseTar('the archive has no end mark: it is cut off');
    if (block.length < TAR_BLOCK) throw cutOff();
    return parseTarHeader(block);
  }

  async #held(header: TarHeader): Promise<Uint8Array> {
    if (header.bytes > MAX_HEADER_BYTES) throw refuseTar(`a header has more than ${MAX_HEADER_BYTES} bytes`);
    // A copy: reading the padding takes the chunk back.
    const bytes = Buffer.from(await this.#input.exactly(header.bytes));
    const padding = await this.#input.exactly(paddingOf(header.bytes));
    if (bytes.length + padding.length < header.bytes + paddingOf(header.bytes)) throw cutOff();
    return bytes;
  }

  /** Counts the entry; `undefined` for what becomes no object. */
  #pathOf({ kind, name, bytes }: TarHeader): string | undefined {
    if (kind === 'directory' || kind === 'listing') return undefined;
    this.#counts.rowsIn += 1;
    if (kind !== 'file') return undefined;
    const path = entryPath(name, this.#options.strip);
    if (path === undefined) return undefined;
    this.#counts.rowsOut += 1;
    if (this.#paths.has(path)) throw refuseTar(`the archive holds ${showKey(path)} twice`);
    this.#paths.add(path);
    if (this.#paths.size > this.#options.maxFiles) {
      throw refuseTar(`the archive holds more than ${this.#options.maxFiles} files (maxFiles)`);
    }
    this.#bytesOut += bytes;
    checkSize('untar', this.#limits, this.#bytesOut);
    return path;
  }

  /** Archives are padded with zeros; another one behind it would be lost in silence. */
  async #readPadding(): Promise<void> {
    for (let rest = await this.#input.some(MiB); rest !== undefined; rest = await this.#input.some(MiB)) {
      if (!rest.every((byte) => byte === 0)) throw refuseTar('something else stands behind the end of the archive');
    }
  }
}

/** An entry with what its extended headers say. Only files and listings have a body, whatever the size says (POSIX). */
function asEntry(header: TarHeader, { path: name = header.name, bytes = header.bytes }: TarRecords): TarHeader {
  switch (header.kind) {
    case 'file':
      // How archives older than POSIX mark a directory.
      return name.endsWith('/') ? { kind: 'directory', name, bytes: 0 } : { kind: 'file', name, bytes };
    case 'listing':
      return { kind: 'listing', name, bytes };
    case 'link':
      // Some archives carry the content again behind it, some only its size.
      if (bytes > 0) throw refuseTar(`the hard link ${showKey(name)} has a size, which may mean two things`);
      return { kind: 'link', name, bytes: 0 };
    default:
      return { kind: header.kind, name, bytes: 0 };
  }
}

function checkGlobal({ path, bytes }: TarRecords): void {
  if (path !== undefined || bytes !== undefined) throw refuseTar('a global header names or sizes all files');
}

class EntryBody {
  readonly #input: ByteReader;
  readonly #padding: number;
  #left: number;
  #isLate = false;

  constructor(input: ByteReader, bytes: number) {
    this.#input = input;
    this.#padding = paddingOf(bytes);
    this.#left = bytes;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) yield await this.#take();
    if (this.#isLate) throw refuseTar('a file was read after the next one was asked for');
  }

  /** What nobody read, and the padding. */
  async skip(): Promise<void> {
    // A late reader must not take this for the end of the file.
    this.#isLate = this.#left > 0;
    while (this.#left > 0) await this.#take();
    if ((await this.#input.exactly(this.#padding)).length < this.#padding) throw cutOff();
  }

  async #take(): Promise<Uint8Array> {
    const chunk = await this.#input.some(this.#left);
    if (chunk === undefined) throw cutOff();
    this.#left -= chunk.length;
    return chunk;
  }
}

function paddingOf(bytes: number): number {
  return (TAR_BLOCK - (bytes % TAR_BLOCK)) % TAR_BLOCK;
}

function cutOff() {
  return refuseTar('the archive ends too early: it is cut off');
}
