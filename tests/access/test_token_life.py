import re

import pytest

from volant.access.model import Permission, Role, Token
from volant.access.tokens import PREFIX, TokenBook, Tokens, secret_digest
from volant.kernel.errors import AlreadyExistsError, InvalidInputError, NotFoundError, UnauthenticatedError
from volant.testing.clock import FakeClock


class TokenList:
    """Tokens in memory, as the port asks."""

    def __init__(self):
        self.all = []

    def add(self, token):
        if any(known.name == token.name and known.revoked_at is None for known in self.all):
            raise AlreadyExistsError("taken")
        self.all.append(token)

    def with_digest(self, digest):
        return next((token for token in self.all if token.digest == digest), None)

    def tokens(self):
        return tuple(sorted(self.all, key=lambda token: token.name))

    def revoke(self, name, at):
        for index, token in enumerate(self.all):
            if token.name == name and token.revoked_at is None:
                self.all[index] = Token(name=name, role=token.role, digest=token.digest, created_at=token.created_at, revoked_at=at)
                return
        raise NotFoundError("none")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def tokens(clock):
    return Tokens(TokenList(), clock)


def test_a_secret_is_shown_once_and_only_its_digest_is_stored(tokens):
    token, secret = tokens.create("ci", Role.CONTRIBUTOR)
    assert re.fullmatch(PREFIX + r"[A-Za-z0-9_-]{43}", secret)
    assert token.digest == secret_digest(secret)
    assert secret not in repr(tokens.all())


def test_two_secrets_are_never_equal(tokens):
    assert tokens.create("a", Role.VIEWER)[1] != tokens.create("b", Role.VIEWER)[1]


def test_a_token_is_found_by_its_secret_until_it_is_revoked(tokens):
    token, secret = tokens.create("ci", Role.SERVICE)
    assert tokens.find(secret) == token
    assert tokens.find(secret + "x") is None
    tokens.revoke("ci")
    assert tokens.find(secret) is None
    assert tokens.live() == ()
    with pytest.raises(NotFoundError):
        tokens.revoke("ci")


def test_a_token_ends_at_its_time(tokens, clock):
    _, secret = tokens.create("guest", Role.VIEWER, lasts_us=1_000)
    clock.advance(999)
    assert tokens.find(secret)
    clock.advance(1)
    assert tokens.find(secret) is None


def test_a_revoked_name_can_be_used_again(tokens):
    _, first = tokens.create("ci", Role.VIEWER)
    tokens.revoke("ci")
    _, second = tokens.create("ci", Role.ADMIN)
    assert tokens.find(first) is None
    assert tokens.find(second).role is Role.ADMIN


@pytest.mark.parametrize("name", ["", "local", "A", "a b", "../x", "é", "-x", "a" * 64, "a\n"])
def test_hostile_names_are_refused(tokens, name):
    with pytest.raises(InvalidInputError) as refused:
        tokens.create(name, Role.VIEWER)
    assert refused.value.field == "name"


@pytest.mark.parametrize("lasts_us", [0, -1])
def test_a_token_has_to_last(tokens, lasts_us):
    with pytest.raises(InvalidInputError):
        tokens.create("x", Role.VIEWER, lasts_us=lasts_us)


def test_a_book_knows_who_holds_a_secret_and_forgets_what_is_replaced(tokens, clock):
    token, secret = tokens.create("ci", Role.ANNOTATOR)
    book = TokenBook(clock, [token])
    assert book.principal(secret).name == "ci"
    assert book.principal(secret).may(Permission.LABEL)
    assert not book.principal(secret).may(Permission.APPROVE)
    book.replace([])
    with pytest.raises(UnauthenticatedError):
        book.principal(secret)


def test_a_book_looks_at_the_end_of_a_token_with_every_request(tokens, clock):
    token, secret = tokens.create("guest", Role.VIEWER, lasts_us=10)
    book = TokenBook(clock, [token])
    book.principal(secret)
    clock.advance(10)
    with pytest.raises(UnauthenticatedError):
        book.principal(secret)


@pytest.mark.parametrize("secret", ["", "vol_", "é", "\udcff", "x" * 10_000])
def test_a_strange_secret_is_only_unknown(clock, secret):
    with pytest.raises(UnauthenticatedError):
        TokenBook(clock).principal(secret)
