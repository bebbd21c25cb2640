"""What real receivers get, and what happens when they are slow, broken or hostile."""

import asyncio
import base64
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import time

import pytest
from receivers import OK, answer, cut, receiving, silence, trickle, verified

from volant.adapters.notify.posting import _trusted, address
from volant.adapters.notify.resolving import MOST_LOOKUPS, _turns
from volant.adapters.notify.telling import Teller
from volant.config.model import AlertTarget
from volant.kernel.clock import SECOND_US
from volant.monitoring.alert_model import Alert, Notice, NoticeKind, Severity
from volant.monitoring.alert_ports import Undelivered
from volant.server.listening import loop_factory
from volant.testing.clock import FakeClock

AT = 1_700_000_000_000_000
SECRET = "correct horse battery staple"
HOSTILE = "<!channel> & <https://evil.test|click> *bold*\r\nSet-Cookie: a=b\n\x1b[31m\u202etxet"
TARGETS = (AlertTarget(to="log"), AlertTarget(to="webhook:env:HOOK_URL", secret="env:KEY"), AlertTarget(to="slack:env:SLACK_URL"))


def notice(kind=NoticeKind.RAISED, sentence="The error is 41.5, above 30.1.", resolution=None):
    alert = Alert(
        id="a" * 32,
        model="bikes",
        number=3,
        cause="performance",
        severity=Severity.CRITICAL,
        sentence=sentence,
        facts={"loss": 41.5},
        opened_at=AT,
        last_seen_at=AT,
        resolved_at=AT + 1 if resolution else None,
        resolution=resolution,
        seq=1,
    )
    return Notice(event="e" * 32, kind=kind, at=AT, alert=alert)


def tell(target, told=None, *, targets=TARGETS, seconds=1.0, log=None, **environment):
    teller = Teller(lambda: targets, {"KEY": SECRET, **environment}, FakeClock(), log=log, seconds=seconds)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:  # the server's own kind of loop
        runner.run(teller(target, "event:0a1b2c3d", told or notice()))


def refusal(url, **settings):
    with pytest.raises(Undelivered) as caught:
        tell("webhook:env:HOOK_URL", HOOK_URL=url, **settings)
    assert "s3cr3t" not in str(caught.value)
    assert SECRET not in str(caught.value)
    return caught.value


def test_a_webhook_gets_a_signed_body_that_says_everything():
    with receiving() as receiver:
        tell("webhook:env:HOOK_URL", HOOK_URL=receiver.url)
    ((line, headers, body),) = receiver.requests
    assert line == "POST /hook?key=s3cr3t HTTP/1.1"
    assert (headers["host"], headers["content-type"]) == (f"127.0.0.1:{receiver.port}", "application/json")
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("event:0a1b2c3d", str(FakeClock().now() // SECOND_US))
    assert verified(headers, body, SECRET.encode())
    assert not verified(headers, body + b" ", SECRET.encode())
    assert not verified(headers | {"webhook-timestamp": "1"}, body, SECRET.encode())
    told = json.loads(body)
    assert (told["type"], told["timestamp"], told["data"]["schema"]) == ("alert.raised", "2023-11-14T22:13:20Z", "volant.alert/1")
    assert (told["data"]["severity"], told["data"]["facts"], told["data"]["number"]) == ("critical", {"loss": 41.5}, 3)
    assert (told["data"]["opened_at"], told["data"]["resolved_at"]) == ("2023-11-14T22:13:20Z", None)


def test_a_secret_in_the_form_of_the_libraries_is_a_base64_key():
    key = b"k" * 24
    with receiving() as receiver:
        tell("webhook:env:HOOK_URL", HOOK_URL=receiver.url, KEY="whsec_" + base64.b64encode(key).decode())
    ((_, headers, body),) = receiver.requests
    assert verified(headers, body, key)
    assert "not base64" in str(refusal("http://127.0.0.1:1/", KEY="whsec_%%%"))


def test_a_webhook_whose_line_names_no_secret_uses_the_documented_variable():
    with receiving() as receiver:
        targets = (AlertTarget(to="webhook:env:HOOK_URL"),)
        tell("webhook:env:HOOK_URL", targets=targets, HOOK_URL=receiver.url, VOLANT_WEBHOOK_SECRET="other")
    ((_, headers, body),) = receiver.requests
    assert verified(headers, body, b"other")


@pytest.mark.parametrize("missing", ["HOOK_URL", "KEY"])
def test_a_variable_that_is_not_set_is_named(missing):
    given = {"HOOK_URL": "http://127.0.0.1:1/", missing: "  "}
    with pytest.raises(Undelivered, match=f"{missing} is not set") as caught:
        tell("webhook:env:HOOK_URL", **given)
    assert not caught.value.final


def test_a_target_that_is_no_longer_named_is_not_tried_again():
    with pytest.raises(Undelivered, match=r"no longer named") as caught:
        tell("webhook:env:OLD_URL", OLD_URL="http://127.0.0.1:1/")
    assert caught.value.final


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_every_answer_of_success_is_taken(status):
    with receiving(answer(status)) as receiver:
        tell("webhook:env:HOOK_URL", HOOK_URL=receiver.url)


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_every_other_answer_is_a_failure_that_names_it(status):
    with receiving(answer(status)) as receiver:
        assert str(refusal(receiver.url)) == f"it answered {status}"


def test_redirects_are_not_followed():
    with receiving() as other, receiving(answer(302, f"Location: {other.url}")) as receiver:
        assert "redirects are not followed" in str(refusal(receiver.url))
    assert len(receiver.requests) == 1
    assert other.requests == []


@pytest.mark.parametrize(
    ("header", "wait_us"),
    [("Retry-After: 30", 30 * SECOND_US), ("retry-after:7", 7 * SECOND_US), ("Retry-After: soon", 0), ("Retry-After: 99999999999", 0)],
)
def test_a_receiver_may_ask_to_be_left_alone(header, wait_us):
    with receiving(answer(429, header)) as receiver:
        assert refusal(receiver.url).wait_us == wait_us


@pytest.mark.parametrize("broken", [silence, trickle], ids=["silent", "trickling"])
def test_a_receiver_that_is_too_slow_is_given_up_on_in_time(broken):
    with receiving(broken) as receiver:
        began = time.monotonic()
        assert "no answer within 0.5 s" in str(refusal(receiver.url, seconds=0.5))
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 2\r\n\r\n",
        b"HTTP/1.1 abc no\r\n\r\n",
        b"\x00\xff\r\n\r\n",
        b"",
        cut,
        b"HTTP/1.1 200 OK" + b"x" * 100_000,
    ],
    ids=["other protocol", "short", "letters", "binary", "nothing", "cut", "endless"],
)
def test_an_answer_that_is_no_http_is_a_failure(said):
    with receiving(said) as receiver:
        refused = str(refusal(receiver.url))
    assert "no HTTP" in refused or "reset" in refused


def test_interim_answers_are_passed_over():
    with receiving(b"HTTP/1.1 102 Processing\r\n\r\n" + OK) as receiver:
        tell("webhook:env:HOOK_URL", HOOK_URL=receiver.url)


def test_nobody_listening_and_no_such_host_are_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "refused" in str(refusal(f"http://127.0.0.1:{port}/s3cr3t"))
    assert "not known" in str(refusal("http://no-such-host.invalid/s3cr3t", seconds=5))


def test_every_address_of_a_host_is_tried():
    with receiving() as receiver:  # on 127.0.0.1 only, while localhost may be ::1 first
        tell("webhook:env:HOOK_URL", HOOK_URL=receiver.url.replace("127.0.0.1", "localhost"))
    assert len(receiver.requests) == 1


def test_lookups_that_hang_hold_up_alerts_and_nothing_else():
    for _ in range(MOST_LOOKUPS):
        assert _turns.acquire(blocking=False)
    try:
        assert "earlier lookups" in str(refusal("http://127.0.0.1:1/"))
    finally:
        for _ in range(MOST_LOOKUPS):
            _turns.release()
    assert "refused" in str(refusal("http://127.0.0.1:1/"))


def test_a_log_that_nobody_reads_any_more_is_a_failure_like_others():
    reader, writer = os.pipe()
    os.close(reader)
    log = os.fdopen(writer, "w")
    with pytest.raises(Undelivered, match="standard error"):
        tell("log", log=log)
    with contextlib.suppress(BrokenPipeError):
        log.close()
    closed = io.StringIO()
    closed.close()
    with pytest.raises(Undelivered, match="standard error"):
        tell("log", log=closed)


@pytest.fixture
def certificate(tmp_path):
    """Of 127.0.0.1, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    file = tmp_path / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(file), "-out", str(tmp_path / "one.pem")], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "one.pem").read_text())
    return file


def test_only_a_certificate_that_the_machine_trusts_is_accepted(certificate, monkeypatch):
    with receiving(certificate=certificate) as receiver:
        _trusted.cache_clear()
        assert "its certificate" in str(refusal(receiver.url, seconds=5))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        _trusted.cache_clear()
        tell("webhook:env:HOOK_URL", HOOK_URL=receiver.url, seconds=5)
        _trusted.cache_clear()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.test/s3cr3t",
        "file:///etc/s3cr3t",
        "http:///s3cr3t",
        "s3cr3t",
        "http://example.test:99999/s3cr3t",
        "http://example.test:s3cr3t/",
        "http://[::1/s3cr3t",
        "http://user:s3cr3t@example.test/",
        "http://example.test/s3cr3t\r\nX: y",
        "http://example.test/a s3cr3t",
        "http://exa\x00mple.test/s3cr3t",
        "http://" + "a" * 80 + ".test/s3cr3t",
        "http://example.test/ä s3cr3t",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(url):
    assert "address" in str(refusal(url))


def test_addresses_are_taken_apart():
    assert address(" https://hooks.test/services/T0?a=b ") == (True, "hooks.test", 443, "/services/T0?a=b", "hooks.test")
    assert address("http://[::1]:8080") == (False, "::1", 8080, "/", "[::1]:8080")
    assert address("http://10.0.0.7") == (False, "10.0.0.7", 80, "/", "10.0.0.7")


def test_slack_gets_plain_text_in_which_nothing_is_a_mention_or_a_link():
    with receiving() as receiver:
        tell("slack:env:SLACK_URL", notice(sentence=HOSTILE), SLACK_URL=receiver.url)
    ((_, headers, body),) = receiver.requests
    assert "webhook-signature" not in headers
    told = json.loads(body)
    first, second = told["text"].split("\n")
    assert first.startswith("[critical] bikes: &lt;!channel&gt; &amp; &lt;https://evil.test|click&gt; *bold*")
    assert not set("<>\x1b\u202e\r") & set(told["text"])
    assert second.endswith("Then: volant alerts ack 3")
    assert (told["mrkdwn"], told["unfurl_links"], told["unfurl_media"]) == (False, False, False)


def test_a_resolved_alert_says_what_ended_it():
    with receiving() as receiver:
        tell("slack:env:SLACK_URL", notice(NoticeKind.RESOLVED, resolution="v4 was promoted."), SLACK_URL=receiver.url)
    text = json.loads(receiver.requests[0][2])["text"]
    assert text == "[resolved] bikes: The error is 41.5, above 30.1. Resolved: v4 was promoted."


def test_the_log_gets_one_line_that_cannot_steer_a_terminal():
    log = io.StringIO()
    tell("log", notice(sentence=HOSTILE + "x" * 5000), log=log)
    line = log.getvalue()
    assert line.startswith("alert 3 raised (critical) bikes: <!channel> & ")
    assert line.count("\n") == 1
    assert line.endswith("…\n")
    assert "\\u001b[31m\\u202etxet" in line
    assert line[:-1].isprintable()


def test_what_is_told_late_says_when_it_was():
    late = FakeClock(AT + 400 * SECOND_US)
    log = io.StringIO()
    asyncio.run(Teller(lambda: TARGETS, {}, late, log=log)("log", "event:0", notice()))
    assert log.getvalue().startswith("alert 3 raised (critical, 2023-11-14T22:13:20Z) bikes: ")
    with receiving() as receiver:
        asyncio.run(Teller(lambda: TARGETS, {"SLACK_URL": receiver.url}, late)("slack:env:SLACK_URL", "event:0", notice()))
    assert json.loads(receiver.requests[0][2])["text"].startswith("[critical, 2023-11-14T22:13:20Z] bikes: ")


def test_the_log_is_standard_error(capfd):
    tell("log")
    assert capfd.readouterr() == ("", "alert 3 raised (critical) bikes: The error is 41.5, above 30.1.\n")
