"""The tables, one module each; a module that is put here is found by itself."""
