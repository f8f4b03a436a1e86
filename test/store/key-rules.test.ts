import { expect, test } from 'vitest';
import { checkKey, checkLocalKey, checkS3Key, showKey } from '../../lib/store/key-rules.ts';

const refused = expect.objectContaining({ name: 'KeyRefused' });

test.each([
  'a',
  'a/b',
  'ü/\u{1f600}',
  '.hidden',
  'a..b',
  '..a',
  'a b',
  '%2e%2e/x',
  'control',
  'com10',
  'nullable',
  'aux-1',
])('%j is a key everywhere', (key) => {
  expect(checkKey(key)).toEqual(key.split('/'));
  expect(checkLocalKey(key)).toEqual(key.split('/'));
  expect(() => checkS3Key(key, 'p/')).not.toThrow();
});

test.each([
  'CON',
  'con',
  'nul.txt',
  'aux/x',
  'x/PRN',
  'COM1',
  'lpt9.tar.gz',
  'com¹',
  'con .txt',
  'a.',
  'a/b.',
  'a ',
  'b /c',
  '...',
])('%j is a key in S3, not in a directory', (key) => {
  expect(() => checkS3Key(key, '')).not.toThrow();
  expect(() => checkLocalKey(key)).toThrow(refused);
});

test('a file name holds 255 bytes, an S3 key 1,024 with its prefix', () => {
  expect(checkLocalKey(`a/${'ü'.repeat(127)}`)).toHaveLength(2);
  expect(() => checkLocalKey(`a/${'ü'.repeat(128)}`)).toThrow(refused);
  expect(() => checkS3Key('k'.repeat(1_022), 'p/')).not.toThrow();
  expect(() => checkS3Key('k'.repeat(1_023), 'p/')).toThrow(refused);
});

test('a key in a message cannot break the line or fill the log', () => {
  expect(showKey('a\nb\u001b[31m')).toBe('"a\\nb\\u001b[31m"');
  expect(showKey('x'.repeat(5_000)).length).toBeLessThan(210);
});
