"""Tests of `treexlite/regularizers/`."""
