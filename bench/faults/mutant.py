"""`kvarn` with one guarantee left out: python -m bench.faults.mutant NAME ARGUMENTS..."""

from __future__ import annotations

import sys

from bench.faults.mutants import BY_NAME
from cli.main import main

if __name__ == "__main__":
    BY_NAME[sys.argv[1]].apply()
    main(sys.argv[2:])
