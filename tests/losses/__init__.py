"""Tests of `treexlite/losses/`."""
