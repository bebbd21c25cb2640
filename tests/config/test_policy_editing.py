import pytest

from volant.config.editing import with_policy
from volant.config.load import load_text
from volant.config.model import Amount, GuardConfig, Keep, RetrainConfig, TriggerConfig, TriggerKind, WindowConfig
from volant.kernel.errors import ConflictError

HEAD = "version: 1\nproject: p\ntask: regression\ntarget: y\nmetric: mae # the one that counts\ndata:\n  source: x.csv\n"
RETRAIN = RetrainConfig(when=(TriggerConfig(kind=TriggerKind.CLOCK, every_us=7 * 86_400_000_000),), guard=GuardConfig(min_new_labels=20))
WINDOW = WindowConfig(keep=Keep.LAST, size=Amount(rows=500))

WRITTEN = {
    "nothing": "",
    "flow lines": "train:\n  window: {keep: all} # all of it\n  seed: 3\n"
    "retrain:\n  when: [{data: new}, {performance: worse}] # why\n  guard: {cooldown: 1d}\n",
    "blocks": "retrain: # turn\n  # before\n  when: # the triggers\n    # first of them\n"
    "    - {data: new}\n    - performance: worse\n  # behind\n"
    "  guard:\n    cooldown: 1d\n    # last\ntrain:\n  window:\n    keep: last\n    size: 90d\n  seed: 3\n",
    "one line each": "retrain: {when: [{data: new}]}\ntrain: {seed: 3}\n",
    "empty sections": "retrain: {}\ntrain: {}\n",
    "lists at their key's depth": "retrain:\n  when:\n  - {data: new}\n  - {performance: worse}\ntrain:\n    seed: 3 # kept\n",
    "no line end": "train:\n  seed: 3",
    "windows line ends": "train:\r\n  seed: 3 # kept\r\nretrain:\r\n  when:\r\n    - {data: new}\r\n",
}


@pytest.mark.parametrize("body", WRITTEN.values(), ids=WRITTEN)
def test_however_a_file_is_written_the_policy_is_put_in_and_nothing_else_changes(body):
    before = load_text(HEAD + body, "volant.yaml", {}).config
    text = with_policy(HEAD + body, "volant.yaml", {}, RETRAIN, WINDOW)
    after = load_text(text, "volant.yaml", {}).config
    assert (after.retrain, after.train.window) == (RETRAIN, WINDOW)
    assert (after.train.seed, after.data, after.gates) == (before.train.seed, before.data, before.gates)
    outside_blocks = [line.partition("#")[2].strip() for line in (HEAD + body).splitlines() if "#" in line]
    assert [comment for comment in outside_blocks if comment not in text] == []


def test_a_policy_that_is_there_already_leaves_the_text_as_it_is():
    text = with_policy(HEAD, "volant.yaml", {}, RETRAIN, WINDOW)
    assert with_policy(text, "volant.yaml", {}, RETRAIN, WINDOW) == text


def test_why_the_old_value_was_guessed_goes_with_it():
    body = "retrain:\n  when: [{data: new}]   # guessed: as files come\ntrain: {seed: 3} # guessed: an odd one\n"
    text = with_policy(HEAD + body, "volant.yaml", {}, RETRAIN, WINDOW)
    assert "as files come" not in text
    assert "# guessed: an odd one" in text


def test_never_is_an_empty_list_of_triggers():
    text = with_policy(HEAD + "retrain:\n  when: [{data: new}]\n", "volant.yaml", {}, RetrainConfig(), WindowConfig())
    assert "when: []" in text
    assert load_text(text, "volant.yaml", {}).config.retrain.when == ()


def test_references_to_the_environment_stay_references():
    text = HEAD.replace("x.csv", "${FOLDER}/x.csv") + "train:\n  seed: 3\n"
    assert "${FOLDER}/x.csv" in with_policy(text, "volant.yaml", {"FOLDER": "data"}, RETRAIN, WINDOW)


def test_what_cannot_be_written_faithfully_is_refused_with_the_lines_to_write_by_hand():
    text = "---\n" + HEAD + "...\n"
    with pytest.raises(ConflictError) as caught:
        with_policy(text, "volant.yaml", {}, RETRAIN, WINDOW)
    assert "{clock: 7d}" in caught.value.next_step
