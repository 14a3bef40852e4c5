// Resolves `./errors` to `./errors.ts`, as bundlers do, so that Node.js can run the client.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    const needsSuffix = specifier.startsWith(".") && !/\.(ts|mjs)$/.test(specifier);
    return nextResolve(needsSuffix ? `${specifier}.ts` : specifier, context);
  },
});
