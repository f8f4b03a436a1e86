import { describe, expect, it } from 'vitest';
import { readSettings } from '../../functions/settings.ts';

describe('the settings of a deployment', () => {
  it('need nothing but the bucket: data goes below it, lists are read from it, no private network is open', () => {
    expect(readSettings({ SKYHAUL_STATE_BUCKET: 'stack' })).toEqual({
      stateBucket: 'stack',
      destinations: ['s3://stack/data'],
      manifestSources: ['s3://stack'],
      allowedNetworks: [],
      maxConcurrency: 50,
      secrets: [],
    });
  });

  it('are lists separated by commas or spaces', () => {
    const settings = readSettings({
      SKYHAUL_STATE_BUCKET: 'stack',
      SKYHAUL_DESTINATIONS: 's3://a/x, s3://b',
      SKYHAUL_MANIFEST_SOURCES: 's3://c s3://d',
      SKYHAUL_ALLOWED_NETWORKS: '10.0.0.0/8,',
      SKYHAUL_MAX_CONCURRENCY: '200',
    });

    expect(settings).toEqual({
      stateBucket: 'stack',
      destinations: ['s3://a/x', 's3://b'],
      manifestSources: ['s3://c', 's3://d'],
      allowedNetworks: ['10.0.0.0/8'],
      maxConcurrency: 200,
      secrets: [],
    });
  });

  it('may hold defaults and limits of batches', () => {
    const settings = readSettings({
      SKYHAUL_STATE_BUCKET: 'stack',
      SKYHAUL_DEFAULTS: '{"attempts":3}',
      SKYHAUL_LIMITS: '{"maxHours":1}',
    });

    expect(settings).toMatchObject({ defaults: { attempts: 3 }, limits: { maxHours: 1 } });
    expect(() => readSettings({ SKYHAUL_STATE_BUCKET: 'stack', SKYHAUL_LIMITS: '{"maxHour":1}' })).toThrow('maxHour');
  });

  it('may set the length of a round for batches that do not say', () => {
    expect(readSettings({ SKYHAUL_STATE_BUCKET: 'stack', SKYHAUL_ROUND_MINUTES: '10' }).roundMinutes).toBe(10);
  });

  it('name the role of the uploads, where there is one', () => {
    const settings = { SKYHAUL_STATE_BUCKET: 'stack', SKYHAUL_UPLOADER: 'transfer-role' };

    expect(readSettings(settings).uploader).toBe('transfer-role');
    expect(readSettings(settings).secrets).toEqual([]);
    const secrets = [{ name: 'a', id: 'arn', origins: ['https://a.test'] }];
    expect(readSettings({ ...settings, SKYHAUL_SECRETS: JSON.stringify(secrets) }).secrets).toEqual(secrets);
    expect(readSettings({ ...settings, SKYHAUL_UPLOADER: '' }).uploader).toBeUndefined();
  });

  it.each([{}, { SKYHAUL_STATE_BUCKET: '' }])('are refused without a bucket', (environment) => {
    expect(() => readSettings(environment)).toThrow('SKYHAUL_STATE_BUCKET');
  });

  it.each(['0', '-1', '1.5', 'many'])('are refused with a concurrency of %s', (SKYHAUL_MAX_CONCURRENCY) => {
    expect(() => readSettings({ SKYHAUL_STATE_BUCKET: 'stack', SKYHAUL_MAX_CONCURRENCY })).toThrow(
      'SKYHAUL_MAX_CONCURRENCY',
    );
  });
});
