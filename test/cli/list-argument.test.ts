import { describe, expect, it } from 'vitest';
import { readListArgument } from '../../cli/list-argument.ts';

describe('which list the arguments name', () => {
  it.each([
    [[], { kind: 'none' }],
    [['-'], { kind: 'stdin' }],
    [['list.txt'], { kind: 'manifest', path: 'list.txt' }],
    [['s3://b/list.csv'], { kind: 'manifest', path: 's3://b/list.csv' }],
    [['C:\\lists\\a.txt'], { kind: 'manifest', path: 'C:\\lists\\a.txt' }],
    [['HTTPS://a/x', 'http://b/y'], { kind: 'urls', urls: ['HTTPS://a/x', 'http://b/y'] }],
  ])('%j', (words, list) => {
    expect(readListArgument(words)).toEqual(list);
  });

  it.each([
    [['https://a/x', 'list.txt'], 'give URLs or one list, not both'],
    [['a.txt', 'b.txt'], 'give one list, found 2'],
    [['ftp://a/x'], 'ftp: is not supported; URLs are http or https, a list is a path, s3:// or -'],
    [['file:///etc/passwd'], 'file: is not supported; URLs are http or https, a list is a path, s3:// or -'],
    [[''], 'the path of the list is empty'],
  ])('refuses %j', (words, problem) => {
    expect(readListArgument(words)).toEqual({ problem });
  });
});
