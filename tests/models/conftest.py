import sys

import pytest


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Threads that wait for each other on busy machines cost seconds a call."""
    import sklearn.ensemble  # noqa: F401 - its thread pools must be there to be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True)
def forget_project_modules():
    """Tests import files called pipeline; none may see another's."""
    known = set(sys.modules)
    yield
    for name in set(sys.modules) - known:
        if name.partition(".")[0] in {"pipeline", "lib"}:
            del sys.modules[name]
