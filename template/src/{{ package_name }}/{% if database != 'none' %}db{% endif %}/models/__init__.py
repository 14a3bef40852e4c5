"""The models, one module per table; every module in this folder is discovered."""
