from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def data_folder():
    if not DATA.is_dir():
        pytest.skip("the real data sets are not in ../shared/data")
    return DATA
