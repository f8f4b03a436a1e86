import { writeFile } from 'node:fs/promises';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { DefinitionBody, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { definitionFile } from './definition-file.ts';
import { buildStateMachine, type Worker } from './state-machine.ts';

/**
 * Synthesises the state machine and writes it to `state-machine.json`: the reviewed snapshot, and what `skyhaul run`
 * interprets. What differs from one deployment to the next stands there as a placeholder, `${PlanFunction}`.
 */

/** Lambda's longest. */
const TIMEOUT = Duration.minutes(15);

export function synthesiseDefinition(): object {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Definition');
  const start = buildStateMachine(stack, {
    plan: placeholder(stack, 'PlanFunction'),
    transfer: placeholder(stack, 'TransferFunction'),
    report: placeholder(stack, 'ReportFunction'),
  });
  new StateMachine(stack, 'Machine', { definitionBody: DefinitionBody.fromChainable(start) });
  const template: unknown = app.synth().getStackByName(stack.stackName).template;
  return JSON.parse(resolve(definitionString(template)));
}

const PLACEHOLDER_ARN = /arn:aws:lambda:us-east-1:123456789012:function:(\w+)/g;

function placeholder(stack: Stack, name: string): Worker {
  const functionArn = `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
  return { fn: LambdaFunction.fromFunctionAttributes(stack, name, { functionArn }), timeout: TIMEOUT };
}

function definitionString(template: unknown): unknown {
  const { Resources } = template as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  const machine = Object.values(Resources).find((resource) => resource.Type === 'AWS::StepFunctions::StateMachine');
  return machine?.Properties.DefinitionString;
}

/** A string, or CloudFormation's Fn::Join of strings and Refs. */
function resolve(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll(PLACEHOLDER_ARN, (_arn, name: string) => `\${${name}}`);
  const { 'Fn::Join': join, Ref: ref } = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string };
  if (join) return join[1].map(resolve).join(join[0]);
  if (ref) return `\${${ref}}`;
  throw new Error(`the definition holds a token that has no placeholder: ${JSON.stringify(value)}`);
}

if (import.meta.main) {
  await writeFile(definitionFile, `${JSON.stringify(synthesiseDefinition(), null, 2)}\n`);
}
