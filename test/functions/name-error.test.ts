import { describe, expect, it } from 'vitest';
import { presentable } from '../../functions/name-error.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';

const SECRET = 'https://h.example/f?X-Amz-Signature=0123456789abcdef';

describe('an error on its way out of a Lambda', () => {
  it('keeps name, message and details when it is ours, and nothing of its cause', () => {
    const error = new SkyhaulError('ManifestInvalid', '1 line is not valid', {
      problems: ['line 3: no URL'],
      cause: new Error(SECRET),
    });

    const named = presentable(error);

    expect(named).toMatchObject({
      name: 'ManifestInvalid',
      message: '1 line is not valid',
      details: { problems: ['line 3: no URL'] },
    });
    expect(named.cause).toBeUndefined();
    expect(named.stack).toContain('name-error.test.ts');
  });

  it.each([
    ['TypeError, see the stack', new TypeError(`cannot read ${SECRET}`)],
    ['Error ECONNRESET, see the stack', Object.assign(new Error(SECRET), { code: 'ECONNRESET', url: SECRET })],
    ['a thrown string, see the stack', SECRET],
    ['a thrown undefined, see the stack', undefined],
  ])('is `Unexpected` and says “%s” when it is not, since its words may quote a secret', (message, thrown) => {
    const named = presentable(thrown);

    expect(named).toMatchObject({ name: 'Unexpected', message });
    // What the Lambda runtime logs: the stack and every property.
    expect(JSON.stringify({ ...named, stack: named.stack, cause: named.cause })).not.toContain('Signature');
  });

  it('still says where a bug is', () => {
    expect(presentable(new TypeError('x')).stack).toMatch(
      /^Unexpected: TypeError, see the stack\n\s+at .*name-error\.test\.ts/,
    );
  });

  it('hides a secret that stands in a line of its own that looks like a piece of a stack', () => {
    const named = presentable(new Error(`first\n    token ${SECRET}\n    at (${SECRET}:1:2)\nend`));

    expect(named.stack).not.toContain('Signature');
  });

  it('is cut to a length that Step Functions keeps', () => {
    const named = presentable(new SkyhaulError('ManifestInvalid', 'x'.repeat(100_000)));

    expect(named.message).toMatch(/^x{4000}… \(100000 characters\)$/);
    expect(named.stack?.length).toBeLessThan(8_192);
  });
});
