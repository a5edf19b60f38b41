from __future__ import annotations

import gzip
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfbs_hub.errors import InputError, IntegrityError
from tfbs_hub.sequences import stream
from tfbs_hub.sequences.stream import ByteSource, line_blocks, record_blocks

TEXT = b"".join(b"line %d\n" % number for number in range(200_000))


def everything(path: Path) -> bytes:
    return b"".join(ByteSource(path).chunks())


def test_plain_and_gzip_give_the_same_text(write) -> None:
    assert everything(write("a.txt", TEXT)) == everything(write("a.txt.gz", TEXT)) == TEXT


def test_gzip_is_known_by_its_bytes(write) -> None:
    assert everything(write("a.txt", gzip.compress(TEXT))) == TEXT


def test_many_members_and_trailing_zeros(tmp_path: Path) -> None:
    members = [gzip.compress(TEXT[start : start + 50_000]) for start in range(0, len(TEXT), 50_000)]
    path = tmp_path / "a.bgz"
    path.write_bytes(b"".join(members) + b"\0" * 1000)
    assert everything(path) == TEXT


@pytest.mark.parametrize("keep", [3, 20, 5000, -1, -8])
def test_gzip_that_is_cut_short(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT)[:keep])
    with pytest.raises(InputError, match="cut short") as caught:
        everything(path)
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_damaged_gzip(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(TEXT))
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "a.gz"
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"damaged|cut short"):
        everything(path)


def test_rubbish_after_the_last_member(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(TEXT) + b"rubbish")
    with pytest.raises(InputError, match="damaged"):
        everything(path)


def test_a_name_that_promises_gzip_must_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "a.seq.gz"
    path.write_bytes(b"A\tid\tACGT\t1\n")
    with pytest.raises(InputError, match="not a gzip file"):
        everything(path)


def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "bomb.gz"
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as file:
        for _ in range(30):
            file.write(b"A" * (1 << 20))
    path.write_bytes(buffer.getvalue())
    monkeypatch.setattr(stream, "RATIO_FREE_BYTES", 10 << 20)
    tracemalloc.start()
    with pytest.raises(IntegrityError, match="gzip bomb"):
        for _ in ByteSource(path).chunks():
            pass
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_a_line_without_an_end_is_refused(write, monkeypatch) -> None:
    monkeypatch.setattr(stream, "MAX_LINE_BYTES", 1 << 20)
    with pytest.raises(IntegrityError, match="line or record"):
        list(line_blocks(ByteSource(write("a.txt", b"A" * (3 << 20)))))


@given(st.lists(st.sampled_from([b">a\n", b"AC\n", b"\n", b">", b"GT"]), min_size=1, max_size=30), st.integers(1, 7))
def test_blocks_are_the_text_cut_at_the_right_places(pieces: list[bytes], size: int) -> None:
    text = b"".join(pieces)
    whole = text if text.endswith(b"\n") else text + b"\n"

    class Short(ByteSource):
        def chunks(self):
            return iter([text[start : start + size] for start in range(0, len(text), size)])

    lines = list(line_blocks(Short("-")))
    assert b"".join(lines) == whole
    assert all(block.endswith(b"\n") for block in lines)
    records = list(record_blocks(iter(lines), "x"))
    assert b"".join(records) == whole
    assert all(block.startswith(b">") for block in records[1:])
