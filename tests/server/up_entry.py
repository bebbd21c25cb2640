"""``volant up`` over a project of files: ``python up_entry.py ROOT JSON-OPTIONS``. Says where it listens in one line of JSON."""

import json
import sys
from pathlib import Path

from file_project import FileProject

from volant.kernel.codec import plain
from volant.kernel.errors import EXIT_CODES, VolantError
from volant.server.control import Commands
from volant.server.run import serve

HERE = Path(__file__).parent


def say(started):
    sys.stdout.write(json.dumps(plain(started)) + "\n")
    sys.stdout.flush()


def main():
    commands = Commands(
        worker=(sys.executable, str(HERE.parent / "serving" / "worker_entry.py")), jobs=(sys.executable, str(HERE / "jobs_child.py"))
    )
    try:
        serve(FileProject(sys.argv[1]), on_ready=say, commands=commands, **json.loads(sys.argv[2]))
    except VolantError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_CODES[error.code])


main()
