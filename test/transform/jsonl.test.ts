import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeJsonl } from '../../lib/transform/jsonl.ts';
import { cut, readAll, run, runText, sizes, told } from './csv-steps.ts';
import { holds, type Path, print, printPath, trees, values } from './expression-reference.ts';

const failed = (message: string) => expect.objectContaining({ name: 'TransformFailed', message });
const refused = (message: string) => expect.objectContaining({ name: 'BatchInvalid', message });

const PATHS: readonly Path[] = [['a'], ['in'], ['o', 'p'], ['o', 'q r', 1], ['l', 0], ['l', 1, 'p']];

/** Only the document's own members. */
function readPath(document: unknown) {
  return (path: Path): unknown =>
    path.reduce<unknown>((value, step) => {
      const isList = Array.isArray(value);
      const isInside = typeof value === 'object' && value !== null && isList === (typeof step === 'number');
      return isInside && Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined;
    }, document);
}

const objects = (() => {
  const inner = fc.oneof(
    values,
    fc.array(values, { maxLength: 2 }),
    fc.dictionary(fc.constantFrom('p', 'q r'), values),
  );
  const list = fc.array(fc.oneof(values, inner), { maxLength: 3 });
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.dictionary(fc.constantFrom('a', 'in', 'o', 'l', 'x\\"y', 'é'), fc.oneof(inner, list), {}),
    },
    values,
  );
})();

/** The same value with blanks between its parts, and escapes where there need be none. */
function spread(value: unknown, blanks: string): string {
  const text = JSON.stringify(value, undefined, blanks === '' ? undefined : 1);
  return text.replaceAll(/\n\s*/g, blanks).replaceAll('"in"', '"\\u0069n"');
}

describe('jsonl', () => {
  it('passes lines byte for byte, and drops lines of blanks and the byte order mark', async () => {
    const { text, counts } = await runText(makeJsonl({}), '\ufeff{"a": 1.0}\r\n\n  \t\r\n[1]\n"x"');

    expect(text).toBe('{"a": 1.0}\r\n[1]\n"x"');
    expect(counts).toEqual({ rowsIn: 3, rowsOut: 3 });
  });

  it('keeps the lines of which the condition is true', async () => {
    const step = makeJsonl({ where: "user.tags contains 'x' and id > 1" });

    const { text } = await runText(
      step,
      '{"id":1,"user":{"tags":["x"]}}\n{"id":2,"user":{"tags":["x"]}}\n{"id":3}\n7\n',
    );

    expect(text).toBe('{"id":2,"user":{"tags":["x"]}}\n');
  });

  it('selects values as they are written: numbers of any length, escapes, blanks', async () => {
    const step = makeJsonl({ select: ['id', 'user.name', 'tags[1]', 'gone'] });
    const line = '{"tags" : [1, {"x": "]}"} ], "user":{"name":"\\u00fc\\/"},"id":12345678901234567890.10}\r\n';

    expect((await runText(step, line)).text).toBe(
      '{"id":12345678901234567890.10,"user.name":"\\u00fc\\/","tags[1]":{"x": "]}"}}\r\n',
    );
  });

  it('takes the last of two members of one name, with all that is in it', async () => {
    const step = makeJsonl({ select: ['a.b', 'c'] });

    expect((await runText(step, '{"a":{"b":1},"c":1,"\\u0061":{},"c":2}')).text).toBe('{"c":2}');
  });

  it('finds nothing that JavaScript has of its own', async () => {
    const lines = '{"a":1}\n[1]\n"x"\nnull\n{"__proto__":{"x":1},"length":1}\n';

    const where = 'exists(toString) or exists(`__proto__`.x) or exists(length) or exists(constructor.name)';
    expect((await runText(makeJsonl({ where }), lines)).counts).toEqual({ rowsIn: 5, rowsOut: 1 });
    expect((await runText(makeJsonl({ select: ['`__proto__`', 'length', 'toString'] }), lines)).text).toBe(
      '{}\n{}\n{}\n{}\n{"__proto__":{"x":1},"length":1}\n',
    );
  });

  it('refuses options that fit no file when the step is made', () => {
    expect(() => makeJsonl({ where: 'a =' })).toThrow(
      refused('`where`, position 4: expected a field or a value, found the end'),
    );
    expect(() => makeJsonl({ select: ['a', 'b.'] })).toThrow(
      refused('`select[1]`, position 3: expected a name behind `.`, found the end'),
    );
    expect(() => makeJsonl({ select: ['a', '`a`'] })).toThrow(refused('`select`: the field "a" stands twice'));
    expect(() => makeJsonl({ select: [] })).toThrow(refused('`select`: expected at least one field'));
  });

  it.each([
    ['{"a":1}\n\n{"a":secret\n', 'jsonl: line 3 is not JSON'],
    ['{"a":1}\n{"b', 'jsonl: line 2 is not JSON'],
    ['{"a":1}{"a":2}\n', 'jsonl: line 1 is not JSON'],
    ['{}\n"12345"\n"123456"\n', 'jsonl: line 3 is longer than 7 bytes'],
  ])('fails on %j', async (text, message) => {
    await expect(
      runText(makeJsonl({ where: 'a = 0', maxLineBytes: text.includes('12345') ? 7 : undefined }), text),
    ).rejects.toThrow(failed(message));
  });

  it('fails on bytes that are no UTF-8, and knows the sign that stands for them', async () => {
    await expect(run(makeJsonl({}), [Buffer.from('"ok"\n'), Buffer.of(0x22, 0xff, 0x22)])).rejects.toThrow(
      failed('jsonl: line 2 is not UTF-8'),
    );
    expect((await runText(makeJsonl({}), '"\ufffd"')).text).toBe('"\ufffd"');
  });

  it('selects and filters as parsing all would, whatever the chunks', async () => {
    const line = fc.tuple(objects, fc.constantFrom('', ' ', '\t '), fc.constantFrom('\n', '\r\n', '\n\n'));

    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        trees(PATHS),
        fc.uniqueArray(fc.constantFrom(...PATHS), { minLength: 1 }),
        sizes,
        async (lines, tree, select, chunkSizes) => {
          const text = lines.map(([value, blanks, end]) => spread(value, blanks) + end).join('');
          const chunks = cut(Buffer.from(text), chunkSizes);

          const kept = await run(makeJsonl({ where: print(tree) }), chunks);
          const picked = await run(makeJsonl({ where: print(tree), select: select.map(printPath) }), chunks);

          const wanted = lines.map(([value]) => value).filter((value) => holds(tree, readPath(value), false));
          expect(parsed(kept.text)).toEqual(wanted);
          expect(parsed(picked.text)).toEqual(wanted.map((value) => pick(value, select)));
          expect(kept.counts).toEqual({ rowsIn: lines.length, rowsOut: wanted.length });
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('says the same of any soup, output, counts and error, whatever the chunks', async () => {
    const soup = fc.array(fc.constantFrom('{}', '1', '"a', '"', '\n', '\r\n', '\r', ' ', '\ufeff', 'x'), {
      maxLength: 30,
    });
    const step = makeJsonl({ maxLineBytes: 8 });

    await fc.assert(
      fc.asyncProperty(soup, sizes, async (parts, chunkSizes) => {
        const bytes = Buffer.from(parts.join(''));
        expect(await told(step, cut(bytes, chunkSizes))).toBe(await told(step, [bytes]));
      }),
      { numRuns: 3_000 },
    );
  });

  it('gives up at a line that never ends, and closes its input', async () => {
    let isClosed = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(1_000, ' ');
      } finally {
        isClosed = true;
      }
    }

    const lines = makeJsonl({}).apply(endless(), { rowsIn: 0, rowsOut: 0 });

    await expect(readAll(lines)).rejects.toThrow(failed('jsonl: line 1 is longer than 1048576 bytes'));
    expect(isClosed).toBe(true);
  });
});

function parsed(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

function pick(value: unknown, select: readonly Path[]): unknown {
  const entries = select.map((path) => [label(path), readPath(value)(path)]);
  return Object.fromEntries(entries.filter(([, found]) => found !== undefined));
}

function label(path: Path): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}
