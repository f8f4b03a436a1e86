import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { definitionFile } from '../../cdk/definition-file.ts';
import { synthesiseDefinition } from '../../cdk/write-definition.ts';

it('synthesises the very definition that was reviewed (else: node cdk/write-definition.ts, and review the difference)', async () => {
  const reviewed = await readFile(definitionFile, 'utf8');

  expect(`${JSON.stringify(synthesiseDefinition(), null, 2)}\n`).toBe(reviewed);
});

it('synthesises the same definition twice', () => {
  expect(synthesiseDefinition()).toEqual(synthesiseDefinition());
});
