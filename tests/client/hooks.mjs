// Finds `./errors` as `./errors.ts`, as bundlers do, so that Node.js runs the client as it is.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    const bare = specifier.startsWith(".") && !/\.(ts|mjs)$/.test(specifier);
    return nextResolve(bare ? `${specifier}.ts` : specifier, context);
  },
});
