import { describe, expect, it } from 'vitest';
import { type RawRunFlags, readRunFlags } from '../../cli/run-flags.ts';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';

const to = './out';

function problemsOf(words: string[], raw: RawRunFlags): readonly string[] {
  try {
    readRunFlags(words, raw);
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'BatchInvalid') return error.details.problems ?? [];
    throw error;
  }
  return [];
}

describe('the flags of a run', () => {
  it('sets no option that nobody gave', () => {
    const flags = readRunFlags(['list.txt'], { to });

    expect(flags.options).toEqual({});
    expect(flags.reading).toEqual({});
  });

  it('reads numbers, sizes and times into the units of the options', () => {
    const raw = { to, attempts: '7', maxBytes: '5GiB', connectTimeout: '2m', idleTimeout: '500ms', limit: '10' };

    const flags = readRunFlags(['list.txt'], raw);

    expect(flags.options).toEqual({
      attempts: 7,
      maxBytes: 5 * 1024 ** 3,
      connectTimeoutMs: 120_000,
      idleTimeoutMs: 500,
      limit: 10,
    });
  });

  it('reads what is done with lines that ask for the same', () => {
    expect(readRunFlags(['list.txt'], { to, duplicates: 'copy' }).options).toEqual({ duplicates: 'copy' });
  });

  it('reads the limits of a run', () => {
    const raw = { to, maxFailures: '0', maxTotalBytes: '2TiB', maxHours: '0.5', hostAttempts: '3', hostTimeout: '30m' };

    expect(readRunFlags(['list.txt'], raw).options).toEqual({
      maxFailures: 0,
      maxTotalBytes: 2 * 1024 ** 4,
      maxHours: 0.5,
      hostAttempts: 3,
      hostTimeoutMs: 1_800_000,
    });
    expect(problemsOf(['list.txt'], { to, maxHours: 'long' })).toEqual([
      '--max-hours: must be a number, such as 12 or 0.5, found "long"',
    ]);
  });

  it('binds secrets to origins, and takes the user agent', () => {
    const secret = ['api=https://a.test', 'api=https://b.test:8443', 'p=q=http://c.test'];

    const flags = readRunFlags(['list.txt'], { to, secret, userAgent: 'me/1' });

    expect(flags.secrets).toEqual([
      { name: 'api', origins: ['https://a.test', 'https://b.test:8443'] },
      { name: 'p=q', origins: ['http://c.test'] },
    ]);
    expect(flags.options).toEqual({ request: { userAgent: 'me/1' } });
  });

  it.each([
    [{ secret: ['api'] }, '--secret: must be name=https://host, found "api"'],
    [{ secret: ['api=https://a.test/'] }, '--secret: must be name=https://host, found "api=https://a.test/"'],
    [{ secret: ['api=*'] }, '--secret: must be name=https://host, found "api=*"'],
    [{ attempts: 'many' }, '--attempts: must be a whole number, found "many"'],
    [{ attempts: '1.5' }, '--attempts: must be a whole number, found "1.5"'],
    [{ slots: '-1' }, '--slots: must be a whole number, found "-1"'],
    [{ maxBytes: '5 GB' }, '--max-bytes: must be bytes, or a size such as 5GiB, found "5 GB"'],
    [{ timeout: '30' }, '--timeout: must be a time with its unit, such as 500ms, 30s or 2m, found "30"'],
    [{ endpoint: 'localhost:9000' }, '--endpoint: must be an http or https URL without user name, query or fragment'],
    [{ allowNetwork: ['10.0.0.0'] }, '--allow-network: "10.0.0.0" is not a CIDR such as 10.0.0.0/8'],
  ])('names what is wrong with %j', (raw, problem) => {
    expect(problemsOf(['list.txt'], { to, ...raw })).toEqual([problem]);
  });

  it.each([
    [{ attempts: '0' }, '--attempts: must be 1 to 100, found "0"'],
    [{ attempts: '101' }, '--attempts: must be 1 to 100, found "101"'],
    [{ limit: '0' }, '--limit: must be 1 to 100,000,000, found "0"'],
    [{ maxBytesPerSecond: '0' }, '--max-bytes-per-second: must be at least 1 B, found "0"'],
    [{ maxBytes: '49TiB' }, '--max-bytes: must be 0 B to 48.8 TiB, found "49TiB"'],
    [{ maxHours: '0' }, '--max-hours: must be more than 0, at most 8,760, found "0"'],
    [{ perHostRate: '0' }, '--per-host-rate: the requests a second must be more than 0, at most 10,000, found "0"'],
    [{ perHostRate: '5:0' }, '--per-host-rate: the burst must be at least 1, found "5:0"'],
    [{ idleTimeout: '0s' }, '--idle-timeout: must be 1ms to 1h, found "0s"'],
    [{ timeout: '73h' }, '--timeout: must be 1ms to 72h, found "73h"'],
    [{ userAgent: '' }, '--user-agent: must not be empty, found ""'],
    [{ contact: 'me' }, '--contact: an e-mail address or a URL, found "me"'],
  ])('takes the limits of %j from the option it sets, in the unit of the flag', (raw, problem) => {
    expect(problemsOf(['list.txt'], { to, ...raw })).toEqual([problem]);
  });

  it('names all problems at once', () => {
    const problems = problemsOf([], { attempts: 'x', slots: 'y' });

    expect(problems.map((problem) => problem.split(':')[0])).toEqual([
      '--to',
      'give a list, URLs or - for standard input; or --run <id> to continue a run',
      '--slots',
      '--attempts',
    ]);
  });

  it('refuses options for a run that is continued, because that run has its own', () => {
    expect(problemsOf([], { to, run: 'r1', attempts: '9', urlColumn: 'link' })).toEqual([
      'a continued run keeps what it was started with; leave out: urlColumn, attempts',
    ]);
  });

  it('takes the template of the keys, and leaves patterns alone when told so', () => {
    const flags = readRunFlags(['https://h/{1..9}'], { to, key: '{host}/{item:3}{ext}', expand: false });

    expect(flags.options).toEqual({ key: '{host}/{item:3}{ext}' });
    expect(flags.reading).toEqual({ expand: false });
    // What commander says where nobody did.
    expect(readRunFlags(['https://h/{1..9}'], { to, expand: true }).reading).toEqual({});
    expect(problemsOf(['l.txt'], { to, key: '{hosts}' })).toEqual([
      '--key: the template of the keys cannot be used: {hosts} is no placeholder; did you mean {host}?',
    ]);
  });

  it('refuses a destination that is neither S3 nor a directory', () => {
    expect(problemsOf(['list.txt'], { to: 'gs://bucket/x' })).toEqual([
      '--to: gs: is not supported; s3:// or a directory',
    ]);
    expect(problemsOf(['list.txt'], { to: 's3:/bucket/x' })).toEqual(['--to: an address in S3 begins with s3://']);
  });

  it('never repeats a header in a message', () => {
    const header = ['Authorization: Bearer canary', 'authorization: canary', 'canary-without-colon', 'Range: canary'];

    const problems = problemsOf(['list.txt'], { to, header });

    expect(problems).toHaveLength(3);
    expect(problems.join()).not.toContain('canary');
  });

  it('counts headers as they were given, the bad ones too', () => {
    expect(problemsOf(['list.txt'], { to, header: ['Foo', 'é: x', 'A: b', 'B: \u0001'] })).toEqual([
      '--header 1: must be "Name: value"',
      '--header 2: the name must be a header name',
      '--header 4: a value without control characters',
    ]);
    expect(problemsOf(['list.txt'], { to, header: ['Foo', 'Range: x'] })).toEqual([
      '--header 1: must be "Name: value"',
      '--header 2: Skyhaul sets this header itself',
    ]);
  });

  it('puts headers into the request of every item', () => {
    const flags = readRunFlags(['list.txt'], { to, header: ['X-Token:  a:b '] });

    expect(flags.options.request).toEqual({ headers: { 'X-Token': 'a:b' } });
  });
});
