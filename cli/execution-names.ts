/** Names of executions and where to look at them. Pure. */

/** An execution of a state machine by its name. */
export function executionArn(machine: string, name: string): string {
  return `${machine.replace(':stateMachine:', ':execution:')}:${name}`;
}

/** n of an execution that `submit` named `<run>-<n>`. */
export function numberOf(run: string, arn = ''): number | undefined {
  const name = arn.slice(arn.lastIndexOf(':') + 1);
  const number = name.startsWith(`${run}-`) ? name.slice(run.length + 1) : '';
  return /^\d+$/.test(number) ? Number(number) : undefined;
}

const CONSOLES: Readonly<Record<string, string>> = {
  aws: 'console.aws.amazon.com',
  'aws-cn': 'console.amazonaws.cn',
  'aws-us-gov': 'console.amazonaws-us-gov.com',
};

/** The execution's page in the AWS console; none for an emulator (its account is all zeros) and unknown partitions. */
export function consoleUrl(arn: string): string | undefined {
  const [, partition = '', , region = '', account = ''] = arn.split(':');
  const host = Object.hasOwn(CONSOLES, partition) ? CONSOLES[partition] : undefined;
  if (host === undefined || /^0*$/.test(account)) return undefined;
  return `https://${region}.${host}/states/home?region=${region}#/v2/executions/details/${arn}`;
}
