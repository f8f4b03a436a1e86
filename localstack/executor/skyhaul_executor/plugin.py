"""What LocalStack finds under LAMBDA_RUNTIME_EXECUTOR=process."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    name = "process"

    def load(self, *args, **kwargs):
        from skyhaul_executor.executor import ProcessExecutor
        from skyhaul_executor.retain import keep_retained_resources

        # The first stack with a function loads this, before anything of it can be replaced.
        keep_retained_resources()
        return ProcessExecutor
