"""``volant up`` with options that the command line does not have: ``python up_entry.py ROOT JSON-OPTIONS``.

Says where it listens in one line of JSON.
"""

import json
import os
import sys
from pathlib import Path

from volant.kernel.codec import plain
from volant.kernel.errors import EXIT_CODES, VolantError
from volant.server.run import serve
from volant.wiring.project import open_project


def say(started):
    sys.stdout.write(json.dumps(plain(started)) + "\n")
    sys.stdout.flush()


def main():
    try:
        serve(open_project(Path(sys.argv[1]), environment=os.environ), on_ready=say, **json.loads(sys.argv[2]))
    except VolantError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_CODES[error.code])


main()
