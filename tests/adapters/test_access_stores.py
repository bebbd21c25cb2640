"""Tokens and leases, the same over every adapter."""

import msgspec
import pytest
from stored_values import AT

from volant.access.model import Role, Token
from volant.jobs.model import Lease
from volant.kernel.errors import AlreadyExistsError, NotFoundError

SECOND = 1_000_000
HOUR = 3600 * SECOND


def token(name: str = "ann", digest: str = "d1", **changes) -> Token:
    return Token(**{"name": name, "role": Role.APPROVER, "digest": digest, "created_at": AT} | changes)


def test_a_token_is_found_by_its_digest(stores):
    made = token(expires_at=AT + 5)
    stores.tokens.add(made)
    assert stores.tokens.with_digest("d1") == made
    assert stores.tokens.with_digest("d2") is None
    assert stores.tokens.with_digest("' OR 1=1 --") is None


def test_a_live_name_is_taken(stores):
    stores.tokens.add(token())
    with pytest.raises(AlreadyExistsError, match="ann"):
        stores.tokens.add(token(digest="d2"))
    assert stores.tokens.with_digest("d2") is None


def test_a_digest_is_never_given_to_another_token(stores):
    stores.tokens.add(token())
    with pytest.raises(AlreadyExistsError):
        stores.tokens.add(token("bob", "d1", role=Role.ADMIN))
    assert stores.tokens.tokens() == (token(),)


def test_a_name_is_free_again_when_its_token_is_revoked_or_over(stores, clock):
    stores.tokens.add(token(expires_at=AT + 10))
    clock.advance(10)
    stores.tokens.add(token(digest="d2"))
    stores.tokens.revoke("ann", AT + 11)
    stores.tokens.add(token(digest="d3"))
    assert [(t.digest, t.revoked_at) for t in stores.tokens.tokens()] == [("d1", None), ("d2", AT + 11), ("d3", None)]


def test_tokens_are_listed_by_name_then_age(stores):
    for name, digest in (("bob", "d1"), ("ann", "d2")):
        stores.tokens.add(token(name, digest))
    stores.tokens.revoke("ann", AT)
    stores.tokens.add(token("ann", "d3"))
    assert [t.digest for t in stores.tokens.tokens()] == ["d2", "d3", "d1"]


def test_only_a_live_token_can_be_revoked(stores):
    with pytest.raises(NotFoundError, match="ann"):
        stores.tokens.revoke("ann", AT)
    stores.tokens.add(token(expires_at=AT + 10))
    with pytest.raises(NotFoundError):
        stores.tokens.revoke("ann", AT + 10)
    stores.tokens.revoke("ann", AT + 9)
    with pytest.raises(NotFoundError):
        stores.tokens.revoke("ann", AT + 9)
    assert stores.tokens.with_digest("d1") == msgspec.structs.replace(token(expires_at=AT + 10), revoked_at=AT + 9)


def test_one_holder_at_a_time(stores, clock):
    assert stores.leases.acquire("loop", "me", 10 * SECOND) == Lease(name="loop", holder="me", fence=1, expires_at=AT + 10 * SECOND)
    assert stores.leases.acquire("loop", "you", 10 * SECOND) is None
    clock.advance(10 * SECOND - 1)
    assert stores.leases.acquire("loop", "you", 10 * SECOND) is None
    assert stores.leases.current("loop").holder == "me"


def test_a_lease_runs_out_and_is_taken_over_with_a_greater_fence(stores, clock):
    stores.leases.acquire("loop", "me", 10 * SECOND)
    clock.advance(10 * SECOND)
    assert stores.leases.current("loop") is None
    taken = stores.leases.acquire("loop", "you", 10 * SECOND)
    assert (taken.holder, taken.fence) == ("you", 2)
    assert stores.leases.acquire("loop", "me", 10 * SECOND) is None


def test_the_holder_prolongs_its_lease_under_the_same_fence(stores, clock):
    stores.leases.acquire("loop", "me", 10 * SECOND)
    clock.advance(9 * SECOND)
    again = stores.leases.acquire("loop", "me", 10 * SECOND)
    assert (again.fence, again.expires_at) == (1, AT + 19 * SECOND)
    assert stores.leases.current("loop") == again


def test_a_holder_that_let_it_run_out_gets_a_new_fence(stores, clock):
    stores.leases.acquire("loop", "me", 10 * SECOND)
    clock.advance(11 * SECOND)
    assert stores.leases.acquire("loop", "me", 10 * SECOND).fence == 2


def test_a_released_lease_is_free_at_once_and_its_fence_still_grows(stores):
    for fence, holder in enumerate(("me", "you", "me"), start=1):
        assert stores.leases.acquire("loop", holder, 10 * SECOND).fence == fence
        stores.leases.release("loop", holder)
        assert stores.leases.current("loop") is None


def test_only_the_holder_can_release(stores):
    lease = stores.leases.acquire("loop", "me", 10 * SECOND)
    stores.leases.release("loop", "you")
    stores.leases.release("nobody", "me")
    assert stores.leases.current("loop") == lease


def test_a_clock_that_jumps_back_an_hour_does_not_keep_a_dead_holder(stores, clock):
    stores.leases.acquire("loop", "dead", 10 * SECOND)
    clock.advance(-HOUR)
    taken = stores.leases.acquire("loop", "alive", 10 * SECOND)
    assert (taken.holder, taken.fence, taken.expires_at) == ("alive", 2, AT - HOUR + 10 * SECOND)
    assert stores.leases.acquire("loop", "dead", 10 * SECOND) is None


def test_a_clock_that_jumps_back_a_little_keeps_the_holder_at_most_its_time(stores, clock):
    stores.leases.acquire("loop", "me", 10 * SECOND)
    clock.advance(-5 * SECOND)
    stores.leases.acquire("loop", "you", 10 * SECOND)
    clock.advance(10 * SECOND)
    assert stores.leases.current("loop") is None or stores.leases.current("loop").expires_at <= clock.now() + 10 * SECOND


def test_a_clock_that_jumps_forward_ends_a_lease(stores, clock):
    stores.leases.acquire("loop", "me", 10 * SECOND)
    clock.advance(HOUR)
    assert stores.leases.acquire("loop", "you", 10 * SECOND).fence == 2


def test_leases_of_other_names_are_independent(stores):
    assert stores.leases.acquire("loop", "me", SECOND).fence == 1
    assert stores.leases.acquire("seal", "you", SECOND).fence == 1
    assert stores.leases.current("nobody") is None
