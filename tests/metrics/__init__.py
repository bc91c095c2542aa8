"""Tests of `treexlite/metrics/`."""
