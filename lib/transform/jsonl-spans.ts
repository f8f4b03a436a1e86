import { type Field, fieldText } from './expression/syntax.ts';
import type { RowOutput } from './row-stream.ts';

/**
 * Picks values out of a line of JSON as they are written there, so that numbers of any length, escapes and blanks come
 * through untouched. The line must have passed JSON.parse: its syntax is not checked again. Of a name that stands twice
 * in an object the last one counts, as in JSON.parse.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What is wanted behind one step of the paths. */
interface Node {
  readonly step: string | number;
  readonly name: Buffer;
  readonly children: Node[];
  /** Position among the fields, when the value here is one of them. */
  slot: number;
}

export class SpanPicker {
  readonly #root: Node = { step: '', name: Buffer.alloc(0), children: [], slot: -1 };
  readonly #labels: Buffer[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  /** Of the text that was skipped last. */
  #hasEscapes = false;

  constructor(fields: readonly Field[]) {
    fields.forEach((field, slot) => {
      this.#labels.push(Buffer.from(`${JSON.stringify(fieldText(field))}:`));
      let node = this.#root;
      for (const step of field.path) node = childFor(node, step);
      node.slot = slot;
    });
  }

  /** `{"a":1,"b.c":"x"}`, in the order of the fields, without those that are not there. */
  write(bytes: Buffer, from: number, output: RowOutput): void {
    this.#bytes = bytes;
    this.#forget(this.#root);
    this.#read(from, this.#root);
    output.byte(OPEN_OBJECT);
    let isFirst = true;
    for (let slot = 0; slot < this.#labels.length; slot += 1) {
      const start = this.#starts[slot] ?? -1;
      const label = this.#labels[slot];
      if (start < 0 || !label) continue;
      if (!isFirst) output.byte(COMMA);
      isFirst = false;
      output.copy(label, 0, label.length);
      output.copy(bytes, start, this.#ends[slot] ?? start);
    }
    output.byte(CLOSE_OBJECT);
  }

  /** Reads the value at `at`, notes what is wanted of it, and returns where it ends. */
  #read(at: number, node: Node): number {
    const start = this.#skipBlanks(at);
    const first = this.#bytes[start];
    let end: number;
    if (first === OPEN_OBJECT && node.children.length > 0) end = this.#readObject(start + 1, node);
    else if (first === OPEN_LIST && node.children.length > 0) end = this.#readList(start + 1, node);
    else end = this.#skipValue(start);
    if (node.slot >= 0) {
      this.#starts[node.slot] = start;
      this.#ends[node.slot] = end;
    }
    return end;
  }

  #readObject(begin: number, node: Node): number {
    let at = this.#skipBlanks(begin);
    while (this.#bytes[at] !== CLOSE_OBJECT) {
      const nameEnd = this.#skipText(at);
      const child = this.#childNamed(node, at + 1, nameEnd - 1);
      const value = this.#skipBlanks(this.#skipBlanks(nameEnd) + 1);
      if (child) this.#forget(child);
      const end = child ? this.#read(value, child) : this.#skipValue(value);
      at = this.#nextMember(end);
    }
    return at + 1;
  }

  #readList(begin: number, node: Node): number {
    let at = this.#skipBlanks(begin);
    for (let index = 0; this.#bytes[at] !== CLOSE_LIST; index += 1) {
      const child = node.children.find(({ step }) => step === index);
      at = this.#nextMember(child ? this.#read(at, child) : this.#skipValue(at));
    }
    return at + 1;
  }

  #nextMember(end: number): number {
    const at = this.#skipBlanks(end);
    return this.#bytes[at] === COMMA ? this.#skipBlanks(at + 1) : at;
  }

  #childNamed(node: Node, start: number, end: number): Node | undefined {
    if (this.#hasEscapes) {
      const name: unknown = JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1));
      return node.children.find(({ step }) => step === name);
    }
    for (const child of node.children) {
      if (typeof child.step === 'string' && this.#isAt(child.name, start, end)) return child;
    }
    return undefined;
  }

  #isAt(name: Buffer, start: number, end: number): boolean {
    if (end - start !== name.length) return false;
    for (let at = 0; at < name.length; at += 1) if (this.#bytes[start + at] !== name[at]) return false;
    return true;
  }

  /** An earlier value of the same name, and all that was noted of it. */
  #forget(node: Node): void {
    if (node.slot >= 0) this.#starts[node.slot] = -1;
    for (const child of node.children) this.#forget(child);
  }

  #skipBlanks(at: number): number {
    const bytes = this.#bytes;
    let end = at;
    while (isBlank(bytes[end])) end += 1;
    return end;
  }

  /** Behind the closing quote of the text that begins at `at`. */
  #skipText(at: number): number {
    const bytes = this.#bytes;
    let end = at + 1;
    this.#hasEscapes = false;
    for (let byte = bytes[end]; byte !== QUOTE; byte = bytes[end]) {
      if (byte === BACKSLASH) {
        this.#hasEscapes = true;
        end += 1;
      }
      end += 1;
    }
    return end + 1;
  }

  #skipValue(start: number): number {
    let depth = 0;
    let at = start;
    for (;;) {
      const byte = this.#bytes[at];
      if (byte === QUOTE) at = this.#skipText(at);
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth += 1;
        at += 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (depth === 0) return at;
        depth -= 1;
        at += 1;
      } else if (depth > 0 && (byte === COMMA || byte === COLON || isBlank(byte))) at += 1;
      else at = this.#skipWord(at);
      if (depth === 0) return at;
    }
  }

  /** A number, true, false or null. */
  #skipWord(start: number): number {
    let at = start;
    for (;;) {
      const byte = this.#bytes[at];
      const isEnd = byte === undefined || byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST;
      if (isEnd || isBlank(byte)) return at;
      at += 1;
    }
  }
}

function childFor(node: Node, step: string | number): Node {
  const known = node.children.find((child) => child.step === step);
  if (known) return known;
  const child: Node = { step, name: Buffer.from(String(step)), children: [], slot: -1 };
  node.children.push(child);
  return child;
}

/** RFC 8259 2 knows four of these; the others stand in no valid line outside of texts. */
function isBlank(byte: number | undefined): boolean {
  return byte !== undefined && byte <= 0x20;
}
