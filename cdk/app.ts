import { App } from 'aws-cdk-lib';
import { propsFromContext, stackNameFromContext } from './context.ts';
import { SkyhaulStack } from './stack.ts';

/** `npx cdk deploy` starts here (`cdk.json`). The account and the Region are those of the command line's credentials. */
const app = new App({ analyticsReporting: false });
const name = stackNameFromContext(app);
new SkyhaulStack(app, name, propsFromContext);
