"""``python -m volant.cli`` is ``volant``."""

import sys

from volant.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
