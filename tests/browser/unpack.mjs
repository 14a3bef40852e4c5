// Unpacks the browser of the package into TMPDIR.
import { readdir } from "node:fs/promises";
import { inflate } from "@sparticuz/chromium";

const archives = `${import.meta.dirname}/node_modules/@sparticuz/chromium/bin`;
await Promise.all((await readdir(archives)).map((name) => inflate(`${archives}/${name}`)));
