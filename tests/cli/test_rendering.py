import io
import re
from datetime import datetime

import pytest

from volant.cli.blocks import Facts, Hint, Table, Text, Tree, bad, good
from volant.cli.fancy import show
from volant.cli.gatetext import gate_blocks
from volant.cli.numbers import interval, lasting, moment, number, signed
from volant.cli.plain import coloured, columns, render
from volant.cli.progress import Progress
from volant.config.model import GateConfig, GateKind
from volant.gates.model import CheckResult, GateReport, Verdict
from volant.kernel.codec import plain


def test_tables_are_aligned_and_numbers_stand_right():
    text = render([Table(["name", ">rows"], [["a", "1"], [good("longer"), "20,000"]])])
    assert text == "NAME      ROWS\na            1\nlonger  20,000\n"


def test_wide_and_combining_characters_are_counted_by_columns():
    text = render([Table(["name", "x"], [["東京", "1"], ["e\u0301e", "2"]])])
    assert [columns(line.rstrip("12x").rstrip("X")) for line in text.splitlines()] == [6, 6, 6]


def test_an_empty_table_says_so():
    assert render([Table(["a"], [], "no runs: volant run")]) == "no runs: volant run\n"


def test_trees_show_what_hangs_below_what():
    tree = Tree("model:a@1", [Tree("data: a@1", [Tree("file")]), Tree("run: 7")])
    assert render([tree]) == "model:a@1\n├─ data: a@1\n│  └─ file\n└─ run: 7\n"


def test_colours_do_not_move_columns():
    blocks = [
        Facts([("state", bad("FAIL")), ("x", "1")]),
        Text(good("ok\nfine")),
        Hint("volant run"),
        Table(["a", ">b"], [[bad("x"), "1"]]),
    ]
    assert re.sub(r"\x1b\[\d*m", "", render(blocks, coloured)) == render(blocks)


def test_foreign_control_characters_do_not_reach_the_terminal():
    blocks = [Facts([("a", "x\x1b[2J")]), Table(["h"], [["a\nb\x07"]]), Tree("t\r"), Hint("\x9b"), Text("a\x1bb")]
    for text in (render(blocks), _terminal(blocks)):
        assert not set(text) & {"\x07", "\r", "\x9b"}
        assert "\x1b[2J" not in text


def _terminal(blocks, *, colour=False):
    out = io.StringIO()
    show(blocks, out, colour=colour)
    return out.getvalue()


def test_a_terminal_gets_the_same_words():
    blocks = [Text("head"), Table(["name", ">rows"], [["a", "1"], [bad("b"), "2"]]), Hint("go")]
    words = render(blocks).split()
    assert _terminal(blocks).split() == words
    assert re.sub(r"\x1b\[[\d;]*m", "", _terminal(blocks, colour=True)).split() == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (0, "0"), (1234567, "1,234,567"), (0.0, "0"), (41.234567, "41.23"), (12345.6, "12,346"), (0.00001, "1.000e-05"),
        (1e12, "1.000e+12"), (float("nan"), "nan"), (True, "True"), ("x", "x"), (-3.14159, "-3.142"),
    ],
)  # fmt: skip
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_signs_intervals_durations_and_moments_are_short():
    assert (signed(1.5), signed(-1.5), signed(0.0), signed(None)) == ("+1.5", "-1.5", "0", "-")
    assert (interval(-5.0, 1.25), interval(None, 2.0), interval(None, None)) == ("[-5, +1.25]", "[.., +2]", "")
    assert [lasting(us) for us in (3_000, 4_100_000, 123_000_000, 3_900_000_000)] == ["3 ms", "4.1 s", "2 m 03 s", "1 h 05 m"]
    at = int(datetime.fromisoformat("2026-11-21T04:30:59+00:00").timestamp() * 1e6)
    assert (moment(at), moment("2026-11-21T04:30:59Z"), moment(None)) == ("2026-11-21 04:30", "2026-11-21 04:30", "-")


def check(verdict, kind=GateKind.CHAMPION, **more):
    values = {"title": "mae vs champion 1", "sentence": "One sentence.", "rows": 100, "candidate": 39.9, "other": 41.2}
    values |= {"difference": -1.3, "low": -2.0, "high": -0.6, "allowed": 0.4}
    return CheckResult(check=GateConfig(kind=kind, metric="mae"), verdict=verdict, **values | more)


def report(verdict, *checks):
    made = GateReport(
        id="g", model="bikes", version=2, package="p", champion=1, champion_package="q", run_id="r", dataset="bikes", dataset_version=3,
        holdout_rows=2184, holdout_from_us=0, holdout_to_us=1, excluded_rows=0, predictions="o", verdict=verdict, checks=checks,
        baselines={}, seed=7, recorded_at=0,
    )  # fmt: skip
    return render(gate_blocks(plain(made)))


def test_a_gate_shows_each_check_with_its_interval_and_why_it_failed():
    latency = check(
        Verdict.PASS, GateKind.LATENCY, candidate=3100.0, other=None, difference=None, low=None, high=None, allowed=20000.0, title="p99"
    )
    text = report(Verdict.FAIL, check(Verdict.PASS), check(Verdict.FAIL, title="slice holiday=1", sentence="Too bad."), latency)
    assert "bikes@2 against the champion, bikes@1" in text
    assert "holdout 2,184 rows" in text
    assert re.search(r"PASS  mae vs champion 1 +39\.9 +41\.2 +-1\.3 \(-3\.2%\) +\[-2, -0\.6\] +0\.4", text)
    assert re.search(r"PASS  p99 +3\.1 ms +20 ms", text)
    assert "Too bad." in text
    assert "One sentence." not in text
    assert "gate: FAILED (1 of 3)" in text


def test_a_gate_without_evidence_says_how_many_labels_it_needs():
    text = report(Verdict.NOT_ENOUGH, check(Verdict.NOT_ENOUGH, labels_needed=400))
    assert "about 400 more labels would decide it" in text


def test_progress_is_one_line_on_a_terminal_and_a_line_per_stage_elsewhere():
    out = io.StringIO()
    with Progress(out) as progress:
        for share in (0.1, 0.2, 0.3):
            progress("training", share)
        progress("gate", None)
    assert out.getvalue() == "training\ngate\n"
    live = io.StringIO()
    with Progress(live, live=True) as progress:
        progress("training", 0.5)
    assert "\n" not in live.getvalue()
    assert live.getvalue().endswith("\r\x1b[2K")
    silent = io.StringIO()
    with Progress(silent, silent=True) as progress:
        progress("training", 0.5)
    assert silent.getvalue() == ""


def test_a_narrow_terminal_gets_the_columns_that_can_be_read_and_is_told_of_the_rest():
    rows = [["0193ab12c0de", "finished", "2026-11-21 08:15", *("12,345.67" for _ in range(8))]]
    words = _terminal([Table(["run", "status", "started", *(f">metric_{i}" for i in range(8))], rows)])
    assert all(len(line.rstrip()) <= 80 for line in words.splitlines()[:2])
    assert "0193ab12c0de" in words
    assert "no room for " in words
    assert "metric_7" in words.splitlines()[-1]


def test_lineage_shows_instants_as_instants_and_says_no_noun_twice():
    from volant.cli.verbs.lineage import _blocks

    prediction = {"at": 1_795_000_000_000_000, "latency_us": 8_800, "f:rain": 3.5, "labels": [], "request_id": None}
    found = {
        "node": "prediction:p.0", "prediction": prediction, "facts": None, "used_for": [], "releases": [],
        "from": [{"role": "model", "node": "model:bikes@1", "facts": {"registered": "2026-11-21T08:15:05.001672Z"}, "from": []}],
    }  # fmt: skip
    text = render(_blocks(found))
    assert "at       2026-11-18 11:06\n" in text
    assert "latency  8.8 ms\n" in text
    assert "rain     3.5\n" in text
    assert "request_id" not in text
    assert "model: bikes@1  (registered 2026-11-21 08:15)" in text
