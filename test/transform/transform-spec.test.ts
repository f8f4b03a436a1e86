import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkContract } from '../../lib/contract/parse.ts';
import { MAX_TRANSFORM_STEPS, transformSpec } from '../../lib/contract/transform.ts';

/** As a field of an item. */
const item = z.strictObject({ transform: transformSpec.optional() });

function problemOf(transform: unknown): string | undefined {
  const checked = checkContract(item, { transform });
  return checked.ok ? undefined : checked.problems[0]?.text;
}

describe('the transforms of an item', () => {
  it('are names, or objects of a name and options; the rest is filled in', () => {
    expect(transformSpec.parse(['gunzip', { name: 'gzip', level: 9 }, 'unzstd', 'zstd', 'lines'])).toEqual([
      { name: 'gunzip' },
      { name: 'gzip', level: 9 },
      { name: 'unzstd', maxWindowBytes: 8_388_608 },
      { name: 'zstd', level: 3 },
      { name: 'lines', maxBytes: 1_048_576 },
    ]);
    expect(transformSpec.parse(['csv', 'jsonl', 'untar'])).toEqual([
      { name: 'csv', delimiter: ',', header: true, maxRecordBytes: 1_048_576 },
      { name: 'jsonl', maxLineBytes: 1_048_576 },
      { name: 'untar', strip: 0, maxFiles: 10_000 },
    ]);
  });

  it.each<[unknown, string]>([
    [['nonsense'], '`transform[0].name`: `gunzip` or `gzip` or'],
    [[{ name: 'gzip', level: 10 }], '`transform[0].level`: at most 9, found 10'],
    [[{ name: 'gzip', levle: 1 }], 'unknown field `transform[0].levle`'],
    [['lines', 'decode'], '`transform[1].charset` is missing'],
    [[{ name: 'decode', charset: 'klingon' }], '`transform[0].charset`: a charset of the WHATWG'],
    [['untar', 'gzip'], '`untar` makes several objects'],
    [[{ name: 'csv', delimiter: '"' }], 'the delimiter is not the quote'],
    [[{ name: 'csv', delimiter: '||' }], '`transform[0].delimiter`: one ASCII character'],
    [[], 'at least 1 elements'],
    [Array.from({ length: MAX_TRANSFORM_STEPS + 1 }, () => 'lines'), 'at most 8 elements'],
    ['gunzip', '`transform`: a list'],
    [[7], '`transform[0]`: an object'],
  ])('are refused as %j, with what is allowed', (transform, text) => {
    expect(problemOf(transform)).toContain(text);
  });

  it('stand in the JSON Schema as they may be written, each option described', () => {
    const schema = JSON.stringify(z.toJSONSchema(item, { io: 'input' }));

    expect(schema).toContain('{"enum":["gunzip","gzip","zstd","unzstd","lines","csv","jsonl","untar"');
    expect(schema).toContain('"const":"decode"');
    expect(schema).toContain('"required":["name","charset"]');
    expect(schema.match(/"\$schema"/g)).toHaveLength(1);
  });
});
