/**
 * Runs in the sandbox's process: loads the handler and works off one invocation after another, as Lambda's runtime for
 * Node.js does. Requests and answers are lines of JSON on the socket whose descriptor is the first argument; when the other
 * end closes, LocalStack is gone and the process ends. Handlers return a promise or a value; callbacks are not called.
 */
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import { isNativeError } from 'node:util/types';

const wire = new Socket({ fd: Number(process.argv[2]), readable: true, writable: true });
wire.on('close', () => process.exit(0));
let invocation;

for (const [method, level] of Object.entries({
  log: 'INFO',
  info: 'INFO',
  debug: 'DEBUG',
  warn: 'WARN',
  error: 'ERROR',
})) {
  console[method] = (...values) => print(level, format(...values));
}
process.on('uncaughtException', (error) => void crash(describe(error), 129));
process.on(
  'unhandledRejection',
  (reason) =>
    void crash(
      { ...describe(reason), errorType: 'Runtime.UnhandledPromiseRejection', errorMessage: String(reason) },
      128,
    ),
);

const handler = await load().catch((error) => crash(error.response ?? describe(error), 1));
answer({});
for await (const line of createInterface({ input: wire })) {
  invocation = JSON.parse(line);
  process.env._X_AMZN_TRACE_ID = invocation.trace;
  try {
    const result = await handler(JSON.parse(invocation.event), contextOf(invocation));
    answer({ result: JSON.stringify(result) ?? 'null' });
  } catch (error) {
    const response = describe(error);
    print('ERROR', `Invoke Error\t${JSON.stringify(response)}`);
    answer({ error: response });
  }
  invocation = undefined;
}

/** `folder/file.export`, where the export may be nested. */
async function load() {
  const name = process.env._HANDLER ?? '';
  const [, file, path] = /^([^.]+)\.(.+)$/.exec(basename(name)) ?? [];
  if (file === undefined) throw failure('Runtime.MalformedHandlerName', 'Bad handler');
  const base = resolve(process.env.LAMBDA_TASK_ROOT ?? '.', join(dirname(name), file));
  const found = ['.js', '.mjs', '.cjs'].map((ending) => base + ending).find((candidate) => existsSync(candidate));
  if (found === undefined) throw failure('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`);
  const module = await import(pathToFileURL(found).href).catch((error) => {
    if (/MODULE_NOT_FOUND$/.test(error?.code)) throw failure('Runtime.ImportModuleError', String(error), error);
    if (error instanceof SyntaxError) throw failure('Runtime.UserCodeSyntaxError', String(error), error);
    throw error;
  });
  const steps = path.split('.');
  const pick = (from) => steps.reduce((value, step) => value?.[step], from);
  const loaded = pick(module) ?? pick(module.default);
  if (typeof loaded !== 'function') throw failure('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  return loaded;
}

function contextOf({ id, arn, deadlineMs }) {
  return {
    awsRequestId: id,
    invokedFunctionArn: arn,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function answer(fields, sent) {
  const peakBytes = process.memoryUsage.rss();
  wire.write(`${JSON.stringify({ id: invocation?.id ?? null, peakBytes, ...fields })}\n`, sent);
}

/** Answers, where somebody waits for it, and ends. */
function crash(error, status) {
  print('ERROR', JSON.stringify(error));
  answer({ error, isLast: true }, () => process.exit(status));
  return new Promise(() => {});
}

function failure(errorType, errorMessage, cause) {
  const response = { errorType, errorMessage, trace: (cause?.stack ?? `${errorType}: ${errorMessage}`).split('\n') };
  return Object.assign(new Error(errorMessage), { response });
}

function describe(error) {
  if (!isNativeError(error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

function print(level, text) {
  process.stdout.write(`${new Date().toISOString()}\t${invocation?.id ?? 'undefined'}\t${level}\t${text}\n`);
}
