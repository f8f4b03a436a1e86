/**
 * Where the frames of a zstd file end (RFC 8878 3.1), found without unpacking them. Node's decoder stops at the end of a
 * frame and drops what follows in the same piece, without an error; so each piece given to it ends where its frame does.
 * Also refuses what must be known before unpacking: a window that takes too much memory, a file without its end.
 */
import { SkyhaulError } from '../errors/skyhaul-error.ts';

const FRAME = 0xfd2f_b528;
/** 0x184D2A50 to 0x184D2A5F */
const SKIPPABLE = 0x184d_2a50;
const RLE_BLOCK = 1;

type Field = 'magic' | 'skippable size' | 'descriptor' | 'header' | 'block header' | 'content';

export class ZstdFrames {
  readonly #maxWindowBytes: number;
  /** The field that is read, what of it is there, and how much it has. */
  #field: Field = 'magic';
  readonly #held = Buffer.alloc(18);
  #heldBytes = 0;
  #need = 4;
  /** Behind this content comes: another block, the end of the frame. */
  #last = true;
  #checksum = 0;
  #frames = 0;

  constructor(maxWindowBytes: number) {
    this.#maxWindowBytes = maxWindowBytes;
  }

  /** The same bytes, cut behind each frame. Throws TransformFailed. */
  *cut(piece: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    let at = 0;
    while (at < piece.length) {
      const taken = Math.min(this.#need, piece.length - at);
      if (this.#field !== 'content') this.#hold(piece.subarray(at, at + taken));
      at += taken;
      this.#need -= taken;
      // Blocks and skippable frames may be empty, so a field may be complete without a byte.
      while (this.#need === 0) {
        this.#next();
        if (this.#field !== 'magic') continue;
        yield piece.subarray(from, at);
        from = at;
      }
    }
    if (from < piece.length) yield piece.subarray(from);
  }

  /** Throws TransformFailed unless a frame ends here. */
  checkEnd(): void {
    if (this.#field === 'magic' && this.#heldBytes === 0 && this.#frames > 0) return;
    throw refuse('the zstd data ends too early: it is cut off');
  }

  #hold(bytes: Uint8Array): void {
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes += bytes.length;
  }

  #read(field: Field, bytes: number): void {
    this.#field = field;
    this.#need = bytes;
    if (field !== 'header') this.#heldBytes = 0;
  }

  #next(): void {
    const held = this.#held;
    switch (this.#field) {
      case 'magic':
        this.#readMagic(held.readUInt32LE(0));
        break;
      case 'skippable size':
        this.#last = true;
        this.#checksum = 0;
        this.#read('content', held.readUInt32LE(0));
        break;
      case 'descriptor':
        this.#read('header', headerBytes(held.readUInt8(0)));
        break;
      case 'header':
        this.#checkWindow();
        this.#read('block header', 3);
        break;
      case 'block header':
        this.#readBlock(held.readUIntLE(0, 3));
        break;
      case 'content':
        if (!this.#last) {
          this.#read('block header', 3);
          break;
        }
        this.#frames += 1;
        this.#read('magic', 4);
        break;
    }
  }

  #readMagic(magic: number): void {
    if (magic === FRAME) this.#read('descriptor', 1);
    else if ((magic & 0xffff_fff0) >>> 0 === SKIPPABLE) this.#read('skippable size', 4);
    else throw refuse(this.#frames === 0 ? 'the input is no zstd data' : 'something else stands behind the zstd data');
  }

  #checkWindow(): void {
    const descriptor = this.#held.readUInt8(0);
    this.#checksum = (descriptor & 0b100) === 0 ? 0 : 4;
    const bytes = windowBytes(this.#held);
    if (bytes <= this.#maxWindowBytes) return;
    throw refuse(`a frame asks for a window of ${bytes} bytes, maxWindowBytes is ${this.#maxWindowBytes}`);
  }

  #readBlock(header: number): void {
    this.#last = (header & 1) === 1;
    const size = ((header >> 1) & 0b11) === RLE_BLOCK ? 1 : header >> 3;
    this.#read('content', size + (this.#last ? this.#checksum : 0));
  }
}

const isSingleSegment = (descriptor: number) => (descriptor & 0b10_0000) !== 0;
const dictionaryIdBytes = (descriptor: number) => [0, 1, 2, 4][descriptor & 0b11] ?? 0;

/** Of the frame content size (3.1.1.1.4), by the two highest bits of the descriptor. */
function contentSizeBytes(descriptor: number): number {
  return [isSingleSegment(descriptor) ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
}

/** Of the frame header behind its descriptor. */
function headerBytes(descriptor: number): number {
  return (isSingleSegment(descriptor) ? 0 : 1) + dictionaryIdBytes(descriptor) + contentSizeBytes(descriptor);
}

/** 3.1.1.1.2; a frame of a single segment takes the size of its content. */
function windowBytes(header: Buffer): number {
  const descriptor = header.readUInt8(0);
  if (!isSingleSegment(descriptor)) {
    const window = header.readUInt8(1);
    const base = 2 ** (10 + (window >> 3));
    return base + (base / 8) * (window & 0b111);
  }
  const at = 1 + dictionaryIdBytes(descriptor);
  switch (contentSizeBytes(descriptor)) {
    case 1:
      return header.readUInt8(at);
    case 2:
      return header.readUInt16LE(at) + 256;
    case 4:
      return header.readUInt32LE(at);
    default:
      return Number(header.readBigUInt64LE(at));
  }
}

function refuse(why: string): SkyhaulError {
  return new SkyhaulError('TransformFailed', `unzstd: ${why}.`);
}
