"""The tests of treexlite; folders mirror those of the package."""
