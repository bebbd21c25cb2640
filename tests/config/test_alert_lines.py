import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volant.config.alert_lines import unset
from volant.config.dump import dump_project
from volant.config.load import load_text
from volant.config.model import AlertTarget
from volant.config.schema import project_schema
from volant.kernel.errors import UsageError

LEAST = "version: 1\nproject: bikes\ntask: regression\ntarget: cnt\nmetric: mae\ndata:\n  source: rides.csv\n"

names = st.text(string.ascii_letters + "_", min_size=1, max_size=9)
targets = (
    st.just(AlertTarget(to="log"))
    | names.map(lambda name: AlertTarget(to=f"slack:env:{name}"))
    | st.builds(lambda name, secret: AlertTarget(to=f"webhook:env:{name}", secret=secret), names, st.none() | names.map("env:{}".format))
)


def read(alerts):
    return load_text(f"{LEAST}watch:\n  alerts: {alerts}\n", "volant.yaml", {}).config.watch.alerts


def test_who_is_told_unless_somebody_is_named_is_the_log():
    assert load_text(LEAST, "volant.yaml", {}).config.watch.alerts == (AlertTarget(to="log"),)


def test_targets_are_read_in_order():
    found = read('[{to: log}, {to: "webhook:env:HOOK_URL", secret: env:HOOK_SECRET}, {to: slack:env:SLACK_URL}]')
    assert found == (
        AlertTarget(to="log"),
        AlertTarget(to="webhook:env:HOOK_URL", secret="env:HOOK_SECRET"),
        AlertTarget(to="slack:env:SLACK_URL"),
    )


def test_mail_an_alertmanager_and_what_each_wants_are_read():
    found = read(
        "[{to: mail:ana@example.com, from: volant@example.com, server: env:RELAY, only: page}, "
        "{to: mail:env:TEAM, only: [page, ticket]}, {to: alertmanager:env:AM, secret: env:TOKEN}]"
    )
    assert found == (
        AlertTarget(to="mail:ana@example.com", sender="volant@example.com", server="env:RELAY", only=("page",)),
        AlertTarget(to="mail:env:TEAM", only=("page", "ticket")),
        AlertTarget(to="alertmanager:env:AM", secret="env:TOKEN"),
    )
    written = json.dumps([{"to": "mail:env:TEAM", "only": ["page", "ticket"], "from": "a@b.example"}])
    config = load_text(f"{LEAST}watch:\n  alerts: {written}\n", "volant.yaml", {}).config
    assert load_text(dump_project(config), "volant.yaml", {}).config == config
    assert unset(found, {}) == ("RELAY", "TEAM", "VOLANT_SMTP_URL", "AM", "TOKEN")


@given(st.lists(targets, min_size=1, max_size=4, unique_by=lambda target: target.to))
@settings(max_examples=30, deadline=None)
def test_targets_read_back_from_their_canonical_text(lines):
    written = json.dumps([{"to": line.to} | ({"secret": line.secret} if line.secret else {}) for line in lines])
    config = load_text(f"{LEAST}watch:\n  alerts: {written}\n", "volant.yaml", {}).config
    assert config.watch.alerts == tuple(lines)
    assert load_text(dump_project(config), "volant.yaml", {}).config == config


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        ("[]", "must be a list of lines"),
        ("log", "must be a list of lines"),
        ("[log]", "must be"),
        ("[{}]", "has no 'to'"),
        ("[{to: mail}]", "must be log, KIND:env:NAME for a webhook"),
        ("[{to: 5}]", "must be log"),
        ("[{to: webhook:env:1X}]", "must be log"),
        ("[{to: webhook:env:ÄX}]", "must be log"),
        ('[{to: "log\\n"}]', "must be log"),
        ("[{to: log}, {to: log}]", "a second time"),
        ("[{to: log, secret: env:X}]", "only a webhook is signed"),
        ("[{to: slack:env:URL, secret: env:X}]", "only a webhook is signed"),
        ("[{to: log, only: urgent}]", "page, ticket or note"),
        ("[{to: log, only: []}]", "page, ticket or note"),
        ("[{to: log, only: [page, page]}]", "page, ticket or note"),
        ("[{to: log, server: env:X}]", "only mail goes through a mail server"),
        ("[{to: slack:env:X, from: a@b.example}]", "only mail is from somebody"),
        ("[{to: mail:env:X, secret: env:X}]", "only a webhook is signed"),
        ("[{to: mail:env:X, from: Ann <a@b.example>}]", "a mail address"),
        ('[{to: "mail:a@b\\nBcc:c@d"}]', "must be log"),
        ("[{to: log, form: log}]", "there is no key 'watch.alerts[0].form'"),
    ],
)
def test_lines_that_name_no_target_are_refused_with_their_place(alerts, says):
    with pytest.raises(UsageError) as caught:
        read(alerts)
    assert "watch.alerts" in str(caught.value)
    assert says in str(caught.value)
    assert caught.value.next_step


@pytest.mark.parametrize(
    "alerts",
    [
        "[{to: webhook:https://example.test/hook?key=s3cr3t}]",
        "[{to: https://example.test/s3cr3t}]",
        "[{to: slack:env:URL, secret: s3cr3t}]",
        "[{to: webhook:env:URL, secret: s3cr3t}]",
    ],
)
def test_an_address_or_a_secret_written_out_is_refused_and_not_shown(alerts):
    with pytest.raises(UsageError) as caught:
        read(alerts)
    assert "s3cr3t" not in str(caught.value)
    assert "environment variable" in str(caught.value)


def test_the_schema_knows_the_targets():
    schema = project_schema()["properties"]["watch"]["properties"]["alerts"]
    assert schema["minItems"] == 1
    assert schema["items"]["required"] == ["to"]


def test_variables_that_are_needed_and_not_set_are_named_once():
    lines = read(
        '[{to: log}, {to: "webhook:env:A", secret: env:B}, {to: webhook:env:C}, {to: slack:env:A}, {to: "webhook:env:D", secret: env:B}]'
    )
    assert unset(lines, {}) == ("A", "B", "C", "VOLANT_WEBHOOK_SECRET", "D")
    assert unset(lines, {"A": "x", "B": " ", "C": "x", "D": "x", "VOLANT_WEBHOOK_SECRET": "x"}) == ("B",)
    assert unset(lines[:1], {}) == ()
