"""
CloudFormation's `DeletionPolicy` and `UpdateReplacePolicy`, which LocalStack 4.9.2 reads and then ignores: it deletes what
is to be retained, such as the versions of functions that executions under way still call. With this, a resource that is
retained leaves the stack and stays as it is.

Where it still differs from CloudFormation: snapshots are not taken, and the event says DELETE_COMPLETE, not DELETE_SKIPPED.
"""

import functools

from localstack.aws.api.cloudformation import ChangeAction
from localstack.services.cloudformation.engine.v2.change_set_model_executor import ChangeSetModelExecutor
from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent


def keep_retained_resources() -> None:
    execute = ChangeSetModelExecutor._execute_resource_action

    @functools.wraps(execute)
    def execute_unless_retained(self, action, logical_resource_id, *args, part_of_replacement=False, **kwargs):
        if action == ChangeAction.Remove and _is_retained(self, logical_resource_id, part_of_replacement):
            return ProgressEvent(OperationStatus.SUCCESS, resource_model={})
        return execute(self, action, logical_resource_id, *args, part_of_replacement=part_of_replacement, **kwargs)

    ChangeSetModelExecutor._execute_resource_action = execute_unless_retained


def _is_retained(executor: ChangeSetModelExecutor, logical_resource_id: str, part_of_replacement: bool) -> bool:
    for resource in executor._change_set.update_model.node_template.resources.resources:
        if resource.name == logical_resource_id:
            policy = resource.update_replace_policy if part_of_replacement else resource.deletion_policy
            # Of a policy that changes, what stood in the template before.
            return getattr(policy, "value", None) in ("Retain", "RetainExceptOnCreate")
    return False
