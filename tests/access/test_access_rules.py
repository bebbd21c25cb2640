import pytest

from volant.access.rules import check_host, check_origin, host_name, is_loopback, known_hosts, must_ask
from volant.kernel.errors import InvalidInputError, NotAllowedError, UsageError


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_is_recognised(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.org", "localhost.example.org", "", "127.0.0.1.example.org"])
def test_everything_else_can_be_reached_by_others(host):
    assert not is_loopback(host)


def test_on_loopback_nobody_is_asked_unless_wanted():
    assert must_ask("127.0.0.1", require_token=False, live_tokens=0) is False
    assert must_ask("127.0.0.1", require_token=False, live_tokens=3) is False
    assert must_ask("127.0.0.1", require_token=True, live_tokens=1) is True


def test_beyond_loopback_a_token_must_exist():
    assert must_ask("0.0.0.0", require_token=False, live_tokens=1) is True
    with pytest.raises(UsageError) as refused:
        must_ask("0.0.0.0", require_token=False, live_tokens=0)
    assert "volant tokens create NAME --role admin" in str(refused.value)


def test_a_required_token_must_exist():
    with pytest.raises(UsageError, match="without a token"):
        must_ask("localhost", require_token=True, live_tokens=0)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8080", "localhost"),
        ("[::1]:80", "::1"),
        ("127.0.0.1:", "127.0.0.1"),
        ("", None),
        ("a,b", None),
        ("localhost@evil.example", None),
        ("evil.example#localhost", None),
        ("evil.example/localhost", None),
        ("localhost:80:80", None),
        ("localhost:x", None),
        ("[::1", None),
    ],
)
def test_host_headers_are_read_strictly(header, name):
    assert host_name(header) == name


def test_only_known_hosts_pass():
    hosts = known_hosts("192.168.1.4", ["ml.example.org"])
    for good in ("localhost:8080", "127.0.0.1", "[::1]:8080", "192.168.1.4:8080", "ML.example.org"):
        check_host(good, hosts)
    for bad in ("evil.example", "localhost.evil.example", "0.0.0.0", "192.168.1.5"):
        with pytest.raises(NotAllowedError, match="does not answer"):
            check_host(bad, hosts)
    with pytest.raises(InvalidInputError):
        check_host("", hosts)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://localhost:8080"},
        {"sec-fetch-site": "same-origin", "origin": "http://localhost:8080"},
        {"sec-fetch-site": "none"},
    ],
)
def test_own_pages_and_programs_may_change_things(headers):
    check_origin("POST", {"host": "localhost:8080", **headers})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9090"},  # another port of this machine is another site's page
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://localhost:8080.evil.example"},
        {"origin": "http://evil.example", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "rubbish"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_pages_of_other_sites_may_not(method, headers):
    with pytest.raises(NotAllowedError):
        check_origin(method, {"host": "localhost:8080", **headers})


def test_reading_is_not_held_back_by_origin():
    check_origin("GET", {"host": "localhost", "origin": "http://evil.example", "sec-fetch-site": "cross-site"})
