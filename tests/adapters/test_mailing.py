"""Letters through a real mail server: what arrives, what threads, what is refused, and what hostile names cannot do."""

import asyncio
import shutil
import socket
import subprocess
import time

import msgspec
import pytest
from mail_servers import mail_serving

from volant.adapters.notify.telling import Teller
from volant.config.model import AlertTarget
from volant.monitoring.alert_model import Alert, Effect, Notice, NoticeKind, Picture, Severity, Sight
from volant.monitoring.alert_ports import Undelivered
from volant.monitoring.drift_model import Bar
from volant.server.listening import loop_factory
from volant.testing.clock import FakeClock

AT = 1_700_000_000_000_000
TO = "mail:ana@example.com"
HOSTILE = 'x\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>\u202e"&'
PICTURE = Picture(column="temp", numbers=True, bars=(Bar(text="0 to 5", before=0.7, after=0.1), Bar(text="5 to 9", before=0.3, after=0.9)))
SIGHT = Sight(
    from_us=AT,
    to_us=AT + 1,
    columns=("temp", "hum"),
    effect=Effect(name="temp moved by", value=0.42, low=0.35, high=0.49, tolerance=0.03),
    pictures=(PICTURE,),
)


def notice(kind=NoticeKind.RAISED, **fields):
    given = {"model": "bikes", "cause": "drift", "severity": Severity.WARNING, "sentence": "Live rows moved.", "sight": SIGHT, **fields}
    alert = Alert(id="a" * 32, number=3, facts={}, opened_at=AT, last_seen_at=AT, seq=1, **given)
    return Notice(event="e" * 32, kind=kind, at=AT, alert=alert)


def tell(url, told=None, *, line=None, name="event:0a1b2c3d", seconds=10.0, **environment):
    line = line or AlertTarget(to=TO)
    teller = Teller(lambda: [line], {"VOLANT_SMTP_URL": url, **environment}, FakeClock(AT), seconds=seconds)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if isinstance(told, list):
            return runner.run(teller.together(line.to, name, told))
        return runner.run(teller(line.to, name, told or notice()))


def refusal(url, **how):
    with pytest.raises(Undelivered) as caught:
        tell(url, **how)
    assert "s3cr3t" not in str(caught.value)
    return str(caught.value)


def here(server, login="", scheme="smtp"):
    return f"{scheme}://{login}127.0.0.1:{server.port}"


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Of 127.0.0.1, signed by itself, and trusted."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    file = tmp_path / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", str(file), "-out", str(tmp_path / "one.pem")], check=True, capture_output=True)
    file.write_text(file.read_text() + (tmp_path / "one.pem").read_text())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return file


def test_a_letter_says_it_in_text_and_in_html_with_the_columns_before_and_now():
    with mail_serving() as server:
        answered = tell(here(server), VOLANT_PUBLIC_URL="https://volant.example.com/")
    ((sender, to, letter, secure, _),) = server.letters
    assert answered == "it answered 250 2.0.0 queued as 77"
    assert (sender, to, secure) == ("<volant@localhost>", ["<ana@example.com>"], False)
    assert letter["subject"] == "[volant] bikes alert 3: drift"
    assert (letter["to"], letter["auto-submitted"], letter["x-priority"]) == ("ana@example.com", "auto-generated", None)
    text = letter.get_body(("plain",)).get_content()
    for said in ("Live rows moved.", "0.42 [0.35, 0.49]", "temp, hum", "0 to 5", "70%", "volant retrain", "volant alerts ack 3"):
        assert said in text
    assert "https://volant.example.com/alerts#alert-3" in text
    html = letter.get_body(("html",)).get_content()
    assert "0 to 5" in html
    assert html.count('height="10"') == 4
    assert "<img" not in html


def test_all_letters_about_an_alert_make_one_thread_and_a_repeat_is_the_same_letter():
    raised, ended = notice(), notice(NoticeKind.RESOLVED, resolution="It moved back.", resolved_at=AT + 5)
    with mail_serving() as server:
        for told, name in ((raised, "one:0a1b2c3d"), (raised, "one:0a1b2c3d"), (ended, "two:0a1b2c3d")):
            tell(here(server), told, name=name)
        tell(here(server), raised, name="one:99999999")
    first, again, last, elsewhere = (letter for _, _, letter, _, _ in server.letters)
    assert first["message-id"] == again["message-id"] == last["references"] == last["in-reply-to"]
    assert len({first["message-id"], last["message-id"], elsewhere["message-id"]}) == 3
    assert last["subject"] == f"Re: {first['subject']}"
    assert "It is over. Live rows moved. Resolved: It moved back." in last.get_body(("plain",)).get_content()


def test_hostile_names_end_no_header_and_run_nothing():
    bars = (Bar(text=HOSTILE, before=0.5, after=0.5),)
    evil = Sight(columns=(HOSTILE,), pictures=(Picture(column=HOSTILE, numbers=False, bars=bars),))
    with mail_serving() as server:
        tell(here(server), notice(model=HOSTILE, cause=HOSTILE, sentence=HOSTILE, sight=evil))
    ((_, to, letter, _, _),) = server.letters
    assert to == ["<ana@example.com>"]
    assert letter["bcc"] is None
    assert "\n" not in letter["subject"]
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    assert "<script" not in letter.get_body(("html",)).get_content()


def test_a_page_is_marked_as_urgent():
    with mail_serving() as server:
        tell(here(server), notice(cause="performance", severity=Severity.CRITICAL))
    assert server.letters[0][2]["importance"] == "high"


def test_tls_is_begun_before_the_login_and_both_forms_of_it_work(certificate):
    login = "ana%40example.com:s3cr3t%2F%3A@"
    with mail_serving(certificate) as server:
        tell(here(server, login))
    assert "AUTH" not in " ".join(server.said[: server.said.index("STARTTLS")])
    with mail_serving(certificate, tls=True) as secure:
        tell(here(secure, login, "smtps"), line=AlertTarget(to=TO, sender="volant@example.org"))
    for one, sender in ((server, "ana@example.com"), (secure, "volant@example.org")):
        ((_, _, letter, was_secure, user),) = one.letters
        assert (was_secure, user, letter["from"]) == (True, ["ana@example.com", "s3cr3t/:"], sender)


def test_a_certificate_that_nobody_vouches_for_gets_neither_login_nor_letter(certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_serving(certificate) as server:
        assert "its certificate" in refusal(here(server, "u:s3cr3t@"))
    assert not any(line.startswith("AUTH") for line in server.said)
    assert server.letters == []


def test_several_people_are_named_by_a_variable_and_refused_together():
    line = AlertTarget(to="mail:env:TEAM", server="env:RELAY")
    with mail_serving() as server:
        tell("", line=line, TEAM="ana@example.com, ben@example.com", RELAY=here(server))
        assert server.letters[0][1] == ["<ana@example.com>", "<ben@example.com>"]
        server.refuse["RCPT"] = "550 5.1.1 no such user"
        assert refusal("", line=line, TEAM="ana@example.com", RELAY=here(server)) == "the mail server answered 550 5.1.1 no such user"
        assert "not a list" in refusal("", line=line, TEAM="ana@example.com\r\nBcc: x@y", RELAY=here(server))
    assert len(server.letters) == 1


@pytest.mark.parametrize(
    ("refuse", "says"),
    [
        ({"EHLO": "421 busy", "HELO": "421 busy"}, "421 busy"),
        ({"AUTH": "535 5.7.8 wrong"}, "535 5.7.8 wrong"),
        ({"MAIL": "452 disk full"}, "452 disk full"),
        ({"DATA": "554 no"}, "554 no"),
        ({"END": "451 try later"}, "451 try later"),
    ],
)
def test_a_refusal_is_an_outcome_that_says_what_was_answered(refuse, says):
    with mail_serving(refuse=refuse) as server:
        assert says in refusal(here(server, "u:s3cr3t@"))


def test_a_server_that_has_the_letter_and_is_rude_afterwards_has_it():
    with mail_serving(refuse={"QUIT": "500 what"}) as server:
        tell(here(server))
    assert len(server.letters) == 1


def test_a_server_that_is_silent_or_gone_is_not_waited_for():
    with mail_serving(greets=False) as server:
        began = time.monotonic()
        assert "mail server" in refusal(here(server), seconds=0.3)
        assert time.monotonic() - began < 30
    with socket.create_server(("127.0.0.1", 0)) as unused:
        gone = unused.getsockname()[1]
    assert refusal(f"smtp://127.0.0.1:{gone}") == "connection refused"


@pytest.mark.parametrize("url", ["http://127.0.0.1", "smtp://", "smtp://host:99999", "127.0.0.1:25", "smtp://[::1", "smtp://h/x?y"])
def test_an_address_that_is_none_is_said_without_showing_it(url):
    assert "address" in refusal(url.replace("//", "//u:s3cr3t@") if "//" in url else url)


def test_a_server_elsewhere_that_offers_no_tls_is_told_nothing():
    from volant.adapters.notify.mailing import MailServer, _handed_in

    class Elsewhere(MailServer):
        is_here = False

    with mail_serving() as server, pytest.raises(Undelivered, match="STARTTLS"):
        _handed_in(Elsewhere("127.0.0.1", server.port, tls=False, user="u", password="p"), None, "a@b", [], 5)
    assert not any(line.startswith(("AUTH", "MAIL")) for line in server.said)


def test_after_an_outage_one_letter_lists_what_happened():
    many = [notice(sentence=f"Cause {number}.") for number in range(60)]
    alerts = [msgspec.structs.replace(one.alert, id=f"{at:032}", number=at) for at, one in enumerate(many)]
    told = [msgspec.structs.replace(one, alert=alert) for one, alert in zip(many, alerts, strict=True)]
    with mail_serving() as server:
        tell(here(server), told)
    ((_, _, letter, _, _),) = server.letters
    assert letter["subject"].startswith("[volant] 60 notices about 60 alerts since 2023-11-14 22:13Z")
    text = letter.get_body(("plain",)).get_content()
    assert "Cause 0." in text
    assert "and 20 more: volant alerts --all" in text
