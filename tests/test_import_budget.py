"""What start-up may import. Counts are exact where times are not; ``benchmarks/startup.py`` has the times."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "scipy", "polars", "sklearn", "plotly", "pandas", "pyarrow", "rich", "yaml", "jinja2", "starlette", "uvicorn", "sqlite3"}
PROBE = "import json, sys\nbefore = set(sys.modules)\n{code}\nprint(json.dumps(sorted(set(sys.modules) - before)))"


def added(code):
    """Modules that the code adds to a bare interpreter."""
    done = subprocess.run([sys.executable, "-c", PROBE.format(code=code)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def packages(modules):
    return {module.partition(".")[0] for module in modules}


def test_import_volant_adds_few_modules():
    found = added("import volant")
    assert len(found) <= 10, found
    assert packages(found) - {"volant"} <= set(sys.stdlib_module_names)


def test_help_imports_no_command_and_nothing_heavy():
    code = "import io, contextlib\nfrom volant.cli.main import main\nwith contextlib.redirect_stdout(io.StringIO()):\n    main(['--help'])"
    found = added(code)
    assert len(found) <= 130, (len(found), found)
    assert not packages(found) & (HEAVY | {"msgspec", "orjson", "asyncio", "ssl", "tempfile", "subprocess"})
    assert not [module for module in found if module.startswith(("volant.cli.verbs", "volant.wiring", "volant.config", "volant.data"))]


CONTROL = ("wiring.commands", "wiring.project", "server.run", "web.pages", "cli.checkup", "cli.demo")
VERBS = sorted(path.stem for path in (Path(__file__).parents[1] / "src" / "volant" / "cli" / "verbs").glob("[a-z]*.py"))


@pytest.mark.parametrize("module", [*CONTROL, *(f"cli.verbs.{name}" for name in VERBS)])
def test_the_control_process_and_the_commands_import_no_number_library(module):
    found = packages(added(f"import volant.{module}"))
    assert not found & {"numpy", "scipy", "polars", "sklearn", "plotly", "pandas", "pyarrow"}
