/** What to tell the user of Node `found`, or undefined when it is new enough. `command`: what to call instead. */
export function refuseOldNode(found: string, command: readonly string[]): string | undefined;
/** What to tell the user of a copy that no Node runs; `url` is that of one of its files, links followed. */
export function refuseCopy(url: string): string | undefined;
/** Ends the process with exit code 2 when its Node is too old, or does not run this copy. */
export function checkNode(command: readonly string[]): void;
