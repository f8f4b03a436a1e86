import { Stack, Validations } from 'aws-cdk-lib';
import { Policy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/**
 * Puts permissions on roles. Every resource that ends in a star has its reason beside it, which stands in the validation
 * report in the place of cdk-nag's finding; a star without a reason is a finding.
 */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Why a resource has a star in it. */
  readonly wildcard?: string;
}

/** Grants to the role itself. What uses the role waits for them. */
export function permit(role: Role, permissions: readonly Permission[]): void {
  for (const permission of permissions) {
    role.addToPolicy(statement(permission));
    acknowledge(role, permission);
  }
}

/**
 * Grants through a policy of its own, for which nothing that uses the role waits: permissions about a resource that itself
 * waits for the role would go round in a circle.
 */
export function permitLater(scope: Construct, id: string, role: Role, permissions: readonly Permission[]): void {
  const policy = new Policy(scope, id, { statements: permissions.map(statement), roles: [role] });
  for (const permission of permissions) acknowledge(policy, permission);
}

/** Says why a finding of cdk-nag's IAM5 is meant to be, for a grant that CDK made by itself. */
export function acknowledge(
  scope: Construct,
  { resources, wildcard }: Pick<Permission, 'resources' | 'wildcard'>,
): void {
  if (wildcard === undefined) return;
  for (const resource of resources) {
    const id = `AwsSolutions-IAM5[Resource::${flatten(Stack.of(scope).resolve(resource))}]`;
    if (id.includes('*')) Validations.of(scope).acknowledge({ id, reason: wildcard });
  }
}

function statement({ actions, resources, conditions }: Permission): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources: [...resources], conditions: { ...conditions } });
}

/** A resolved ARN as cdk-nag spells it in the names of its findings. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join, 'Fn::GetAtt': attribute, Ref: ref } = value as Record<string, unknown>;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(flatten).join(String(join[0]));
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  return ref === undefined ? JSON.stringify(value) : `<${ref}>`;
}
