"""A check of one more slice in volant.yaml, and nothing else changed."""

import pytest

from volant.config.gate_editing import with_slice_gate
from volant.config.load import load_text
from volant.kernel.errors import ConflictError, UsageError

HEAD = "version: 1\nproject: bikes\ntask: regression\ntarget: cnt\nmetric: mae\ndata: {source: bikes.csv}\n"
SLICE = "hour in 17..19 and sky = rain"


def added(text):
    return with_slice_gate(text, "volant.yaml", {}, SLICE, "5%")


@pytest.mark.parametrize(
    ("gates", "line"),
    [
        ("gates:\n  - {metric: mae, vs: baseline}   # why\n\nrelease: {autonomy: propose}\n", "{metric: mae, vs: baseline}   # why\n  - {"),
        ("gates: [{metric: mae, vs: baseline}]\n", "baseline}, {slices:"),
        ("gates:\n- metric: mae\n  vs: baseline\n# end\n", "  vs: baseline\n- {slices:"),
        ("gates: []\n", "gates: [{slices:"),
        ("", "gates:\n  - {slices:"),
    ],
)
def test_the_line_stands_behind_the_others_and_everything_else_stays(gates, line):
    changed = added(HEAD + gates)
    assert line in changed
    assert load_text(changed, "volant.yaml", {}).config.gates[-1].slices == (SLICE,)
    assert [part for part in (HEAD + gates).splitlines() if part.strip() and part not in changed] in ([], ["gates: []"], [gates.strip()])


def test_a_slice_that_is_held_to_already_is_not_added_again():
    once = added(HEAD)
    assert added(once) == once


def test_a_margin_that_is_none_is_refused():
    with pytest.raises((UsageError, ConflictError)):
        with_slice_gate(HEAD, "volant.yaml", {}, SLICE, "a lot")
