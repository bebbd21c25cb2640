"""An edit of one step leaves the others of its file cached; an edit of anything that a step can reach does not."""

import pytest
from projects import ESTIMATOR

START = """
from volant import step
import functools
from estimator import Mean

{above}

def helper(value):
    return value * 1

def features(rows):
    '''Rows to numbers.'''
    {features}
    return rows.select("a")

@step(retries=1)
def model(features, target, *, shift: float = 0.5):
    return Mean(shift + 1).fit(features, target)

{below}
"""


def made_of(project, *, above="", features="pass", below="", **files):
    return project(pipeline=START.format(above=above, features=features, below=below), estimator=ESTIMATOR, **files)


def test_the_other_steps_of_the_file_stay_cached(project):
    made = made_of(project, below="def metrics(model, features):\n    return {'value': model.value}\n")
    assert made.ran() == ["features", "model", "metrics"]
    made.change("pipeline.py", "shift + 1", "shift + 2")
    assert made.ran() == ["model", "metrics"]
    made.change("pipeline.py", "retries=1", "retries=2")
    assert made.ran() == ["model"]
    made.change("pipeline.py", "'value'", "'worth'")
    assert made.ran() == ["metrics"]
    made.write("pipeline.py", (made.root / "pipeline.py").read_text() + "\ndef unused():\n    return 1\n")
    assert made.ran() == []


def test_a_step_that_failed_is_where_the_next_run_goes_on_after_it_was_repaired(project):
    made = made_of(project)
    made.change("pipeline.py", "shift + 1", "shift + nothing")
    with pytest.raises(Exception, match="Step model raised"):
        made.run()
    made.change("pipeline.py", "shift + nothing", "shift + 1")
    assert made.ran() == ["model"]


@pytest.mark.parametrize(
    ("above", "features", "below"),
    [
        ("", "helper(1)", ""),
        ("", "inner = lambda: helper(1)", ""),
        ("", "between()", "def between():\n    return helper(2)\n"),
        ("", "Uses()", "class Uses:\n    def __init__(self):\n        helper(1)\n"),
        ("", "TABLE['x'](1)", "TABLE = {'x': helper}\n"),
        ("", "later(1)", "later = functools.partial(helper)\n"),
        ("", "globals()['hel' + 'per'](1)", ""),
        ("", "import pipeline; getattr(pipeline, 'hel' + 'per')(1)", ""),
        ("import sys", "getattr(sys.modules['pipeline'], 'hel' + 'per')(1)", ""),
        ("", "features.__globals__['hel' + 'per'](1)", ""),
        ("", "import other; other.go()", ""),
        ("", "decorated()", "def passing(f):\n    return f\n@passing\ndef decorated(x=helper):\n    return x(1)\n"),
        ("", "defaulted()", "def defaulted(x=helper(3)):\n    return x\n"),
        ("", "pass", "print(helper(1))\n"),
        ("", "def inner(helper):\n        return helper\n    helper(1)", ""),
        ("", "[helper(x) for x in [1]]", ""),
        ("", "rows.to_pandas().query('a > @helper(0)')", ""),
    ],
)
def test_what_a_step_can_reach_in_its_file_counts(project, above, features, below):
    made = made_of(project, above=above, features=features, below=below, other="def go():\n    import pipeline\n    pipeline.helper(1)\n")
    made.run()
    assert made.ran() == []
    made.change("pipeline.py", "value * 1", "value * 2")
    assert made.ran()[:1] == ["features"]
    assert made.ran() == []


@pytest.mark.parametrize(("above", "old", "new"), [("LIMIT = 1", "LIMIT = 1", "LIMIT = 2"), ("class A:\n    x = 1", "x = 1", "x = 2")])
def test_whatever_runs_at_import_counts_for_every_step(project, above, old, new):
    made = made_of(project, above=above)
    made.run()
    made.change("pipeline.py", old, new)
    assert made.ran()[:1] == ["features"]


def test_a_parameter_hides_the_function_of_its_name(project):
    made = made_of(project, below="def metrics(model, features):\n    return {'rows': features.height}\n")
    made.run()
    made.change("pipeline.py", 'rows.select("a")', 'rows.select(["a"])')
    assert made.ran() == ["features"]  # the same features: model and metrics only take them by name
