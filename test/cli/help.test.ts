import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { exitHelp, group } from '../../cli/help-text.ts';
import { runSkyhaul } from './skyhaul-process.ts';

const cwd = tmpdir();
const helpOf = async (...command: string[]) => (await runSkyhaul([...command, '--help'], { cwd })).stdout;

/** Heading → flags below it. */
function flagsBelow(help: string): Map<string, string[]> {
  const flags = new Map<string, string[]>();
  let heading = '';
  for (const line of help.split('\n')) {
    if (/^\S.*:$/.test(line)) heading = line;
    const flag = /^ {2}(?:-\w, )?(--[a-z-]+)/.exec(line)?.[1];
    if (flag !== undefined) flags.set(heading, [...(flags.get(heading) ?? []), flag]);
  }
  return flags;
}

describe('the help', () => {
  it.each(['run', 'plan', 'submit', 'redrive'])(
    'of %s has each of its many flags below a heading of its own',
    async (command) => {
      const help = await helpOf(command);
      const flags = flagsBelow(help);

      const known: readonly string[] = Object.values(group);
      expect(Array.from(flags.keys()).filter((heading) => !known.includes(heading))).toEqual([]);
      expect(Array.from(flags.values()).flat().length).toBeGreaterThan(10);
      expect(flags.get(group.list)).toContain('--limit');
      expect(flags.get(group.requests)).toContain('--header');
      expect(flags.get(group.speed)).toContain('--per-host-rate');
      expect(flags.get(group.ends)).toContain('--max-failures');
      expect(flags.get(group.output)).toContain('--help');
      expect(flags.has(group.deployment)).toBe(command === 'submit' || command === 'redrive');
      for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  it('shows a newcomer how to begin', async () => {
    const help = await helpOf();

    expect(help).toContain('\n  skyhaul run my-list.txt --to ./downloads\n');
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('of each command says what its own exit codes mean', async () => {
    expect(await helpOf('report')).toContain('  0    shown, whatever became of the items\n');
    expect(exitHelp('report')).not.toContain('  3 ');
    expect(exitHelp('stop')).toContain('  5    the time to wait was up, the janitor does the rest\n');
    expect(exitHelp('run')).toMatch(/ {2}3 {4}some items failed\n.* {2}130 {2}interrupted \(the run id continues\)$/s);
    expect(exitHelp('run')).not.toContain('  5 ');
  });

  it('is pointed to where a flag is mistyped', async () => {
    const { code, stderr } = await runSkyhaul(['run', 'l.txt', '--too', 'x'], { cwd });

    expect(code).toBe(2);
    expect(stderr).toContain('(Did you mean --to?)');
    expect(stderr).toContain('Call `skyhaul run --help` to see what there is.');
  });
});
