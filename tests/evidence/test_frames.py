"""Framing: what was written comes back, whatever happened to the file."""

from hypothesis import given, settings
from hypothesis import strategies as st

from volant.evidence.frames import MARK, Damage, frame, read_frames

payloads = st.lists(st.text(max_size=60).map(str.encode), max_size=8)


def whole(data: bytes) -> list[bytes]:
    return [found for found in read_frames(data) if isinstance(found, bytes)]


@given(payloads)
def test_frames_come_back_in_order(items):
    assert list(read_frames(b"".join(map(frame, items)))) == items


@given(payloads, st.data())
def test_a_torn_tail_costs_only_the_frame_it_cut(items, data):
    raw = b"".join(map(frame, items))
    cut = data.draw(st.integers(0, len(raw)))
    ends, offset = [], 0
    for item in items:
        offset += len(frame(item))
        ends.append(offset)
    found = list(read_frames(raw[:cut]))
    complete = [item for item, end in zip(items, ends, strict=True) if end <= cut]
    assert found[: len(complete)] == complete
    rest = found[len(complete) :]
    assert all(isinstance(piece, Damage) and piece.torn for piece in rest)
    assert bool(rest) == (cut not in {0, *ends})


@settings(max_examples=200)
@given(payloads.filter(bool), st.data())
def test_a_flipped_byte_costs_only_the_frame_it_hit(items, data):
    frames = [frame(item) for item in items]
    raw = bytearray(b"".join(frames))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    hit, offset = 0, 0
    while place >= offset + len(frames[hit]):
        offset += len(frames[hit])
        hit += 1
    assert whole(bytes(raw)) == items[:hit] + items[hit + 1 :]


def test_garbage_between_frames_is_reported_with_its_place():
    raw = frame(b"one") + b"garbage" + frame(b"two")
    assert list(read_frames(raw)) == [b"one", Damage(offset=len(frame(b"one")), length=7, torn=False), b"two"]


def test_a_length_that_promises_gigabytes_is_damage_and_not_an_allocation():
    hostile = MARK + (0x3FFFFFFF).to_bytes(4, "little") + bytes(4) + b"x"
    assert whole(hostile + frame(b"after")) == [b"after"]


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(raw):
    pieces = list(read_frames(raw))
    assert sum(piece.length if isinstance(piece, Damage) else len(frame(piece)) for piece in pieces) == len(raw)
