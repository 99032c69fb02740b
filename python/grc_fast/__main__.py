"""Run the command line: `python -m grc_fast COMMAND …`."""

import sys

from grc_fast.cli import main

if __name__ == "__main__":
    sys.exit(main())
