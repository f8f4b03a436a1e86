/** What to tell the user of Node `found`, or undefined when it is new enough. `command`: what to call instead. */
export function refuseOldNode(found: string, command: readonly string[]): string | undefined;
/** Ends the process with exit code 2 when its Node is too old. */
export function checkNode(command: readonly string[]): void;
