import { rolesOf, type Statement, statementsOf } from './simulate-policy.ts';
import type { Synthesised } from './synth.ts';

/** The table of `docs/deploy.md`: each role with its actions and their resources, as lines of Markdown. */
export function iamTable(made: Synthesised): string {
  const rows = Object.entries(rolesOf(made)).flatMap(([name, role]) =>
    statementsOf(made, role).map((statement) => row(name === 'Orchestrator' ? 'State machine' : name, statement)),
  );
  return ['| Role | May | On |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Role → what it may do anywhere, sorted. */
export function actionsOf(made: Synthesised, role: string): readonly string[] {
  return [...new Set(statementsOf(made, role).flatMap(({ actions }) => actions))].sort();
}

/** The account of a bucket is a condition of every row about S3; the page says so once. */
function row(name: string, { actions, resources, conditions }: Statement): string {
  const prefixes = conditions.StringLike?.['s3:prefix'] ?? [];
  const below = prefixes.length > 0 ? `, prefix ${prefixes.map(code).join(' or ')}` : '';
  return `| ${name} | ${actions.map(code).join(' ')} | ${resources.map(code).join(' ')}${below} |`;
}

/** Names as people know them in the place of ARNs and logical ids. */
function code(text: string): string {
  const readable = text
    .replace('111111111111', '<account>')
    .replace('eu-central-1', '<region>')
    .replace(/^arn:aws:s3:::DownloaderBucket\w+/, '<bucket>')
    .replace(/^arn:aws:lambda:.*:function:Downloader(\w+?)Function\w+/, 'function $1')
    .replace(/^arn:aws:logs:.*:log-group:Downloader(\w+?)Logs\w+:\*/, 'log group $1')
    .replace(/^arn:aws:states:.*:stateMachine:.*$/, 'the state machine')
    .replace(/^arn:aws:states:.*:execution:\w+/, 'execution <state machine>');
  return `\`${readable}\``;
}
