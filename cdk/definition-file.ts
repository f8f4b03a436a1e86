/** The reviewed snapshot of the state machine. Here, so that reading it loads no CDK. */
export const definitionFile = new URL('state-machine.json', import.meta.url);
