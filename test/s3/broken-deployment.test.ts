import { describe, expect } from 'vitest';
import { type AwsAnswer, awsError } from '../support/aws-answers.ts';
import { it } from './deployment.ts';

const cloudFormationError = (code: string, status: number): AwsAnswer => ({
  status,
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>secret words</Message></Error></ErrorResponse>`,
});

const CASES = [
  ['a stack that is not there', cloudFormationError('ValidationError', 400), 2, 'StackNotFound: there is no stack'],
  ['a denial', cloudFormationError('AccessDenied', 403), 4, 'cloudformation:DescribeStacks: AccessDenied (403)'],
  ['a stack of something else', { body: '<DescribeStacksResponse/>' }, 2, 'no outputs SkyhaulStateMachineArn'],
] as const;

describe('a deployment that cannot be worked with', () => {
  for (const [what, answer, code, text] of CASES) {
    it(`is ${what}`, async ({ deployment: { skyhaul, answers } }) => {
      answers.DescribeStacks = () => answer;

      const ended = await skyhaul(['list']);

      expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(text) });
      expect(ended.stderr).not.toContain('secret words');
    });
  }

  it.for([['list'], ['report', 'r1'], ['redrive', 'r1'], ['stop', 'r1']])(
    'may not be meant: %j says that a run of this machine needs its --to',
    async (words, { deployment: { skyhaul, answers } }) => {
      answers.DescribeStacks = () => cloudFormationError('ValidationError', 400);

      const ended = await skyhaul(words);
      const named = await skyhaul([...words, '--stack', 'Mine']);

      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('is found with its --to') });
      expect(named.stderr).toContain('there is no stack Mine');
      expect(named.stderr).not.toContain('--to');
    },
  );

  it('is one of which nobody says where it is, or who asks', async ({ deployment: { skyhaul } }) => {
    const nothing = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };

    const nowhere = await skyhaul(['list'], { AWS_REGION: '', AWS_DEFAULT_REGION: '', ...nothing });
    const nobody = await skyhaul(['list'], { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', ...nothing });

    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('give --region, or set AWS_REGION') });
    expect(nobody).toMatchObject({ code: 4, stderr: expect.stringContaining('AwsDenied') });
  });

  it('is one where a permission is missing', async ({ deployment: { skyhaul, answers } }) => {
    answers.StartExecution = () => awsError('AccessDeniedException');

    const ended = await skyhaul(['submit', 'list.txt']);

    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain('AwsDenied: states:StartExecution: AccessDeniedException (400)');
  });
});
