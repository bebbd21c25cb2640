"""What steps print is passed on and kept."""

import sys

from volant.pipelines.printed import KEPT_CHARACTERS, printed


def test_what_is_printed_goes_on_and_is_kept(capsys):
    with printed() as kept:
        sys.stdout.write("to output\n")
        sys.stderr.write("to errors\n")
    sys.stdout.write("afterwards\n")
    shown = capsys.readouterr()
    assert shown.out == "to output\nafterwards\n"
    assert "to errors" in shown.err
    assert kept.text.startswith("to output\nto errors\n")
    assert "afterwards" not in kept.text


def test_only_the_beginning_of_much_is_kept(capsys):
    with printed() as kept:
        for _ in range(3):
            sys.stdout.write("x" * (KEPT_CHARACTERS // 2))
    assert len(kept.text) < KEPT_CHARACTERS + 100
    assert "only the beginning is kept" in kept.text
    assert len(capsys.readouterr().out) > KEPT_CHARACTERS
