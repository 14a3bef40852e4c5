// Runs a program of Python on the one that Pyodide is, and ends with the exit code that it gives.
//
// node run.mjs <program> <folder with packages> <folder to run it in> [word for sys.argv]...
import { loadPyodide } from "pyodide";

const [program, packages, service, ...words] = process.argv.slice(2);
const folders = { "/packages": packages, "/service": service, "/plugins": import.meta.dirname };

const python = await loadPyodide();
for (const [folder, root] of Object.entries(folders)) {
  python.FS.mkdirTree(folder);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, folder);
}
const settings = { program, words, paths: ["/service/src", "/packages", "/plugins"] };
python.globals.set("settings", python.toPy(settings));
try {
  process.exitCode = python.runPython(`
import os, sys

os.chdir("/service")
sys.path[:0] = settings["paths"]
sys.argv[1:] = settings["words"]
try:
    exec(settings["program"], {"__name__": "__main__"})
    code = 0
except SystemExit as end:
    code = int(end.code or 0)
code
`);
} catch (error) {
  // Node.js would show the line of Pyodide that threw it, which has half a million characters.
  console.error(error.message);
  process.exitCode = 1;
}
