import sys

import pytest


@pytest.fixture(autouse=True)
def forget_project_modules():
    """Tests import files called pipeline; none may see another's."""
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in {"pipeline", "lib", "shared_code"}:
            del sys.modules[name]
