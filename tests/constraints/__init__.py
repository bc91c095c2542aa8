"""Tests of `treexlite/constraints/`."""
