import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';

/** The smallest CDK app that shows what `cdk` was told: one bucket, and a context value as an output. */
const app = new App({ analyticsReporting: false });
const stack = new Stack(app, 'SkyhaulDeployTest');
const bucket = new Bucket(stack, 'Bucket');
new CfnOutput(stack, 'BucketName', { value: bucket.bucketName });
new CfnOutput(stack, 'Greeting', { value: String(app.node.tryGetContext('greeting')) });
new CfnOutput(stack, 'Runtime', { value: String(app.node.tryGetContext('runtime')) });
