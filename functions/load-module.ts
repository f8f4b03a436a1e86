import { readUserModule, type UserModule } from '../lib/transform/user-module.ts';

/** The file that was bundled beside this one (`cdk/bundle-module.ts`); Node loads it once. Throws what the module throws. */
export async function loadModule(file: string): Promise<UserModule> {
  const exports: object = await import(new URL(`./${file}`, import.meta.url).href);
  return readUserModule(exports, { id: file, file });
}
