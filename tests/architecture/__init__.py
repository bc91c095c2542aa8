"""The rules of the house, and the reading of sources that they rest on."""
