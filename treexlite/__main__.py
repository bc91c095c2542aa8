"""`python -m treexlite`: what the library does from a shell.

In: the words of the command line. Out: the exit status of `treexlite.checkpoints._command`.
"""

import sys

from treexlite.checkpoints._command import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
