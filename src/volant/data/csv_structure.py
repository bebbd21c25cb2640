"""The shape of a CSV file, checked over all its bytes before anything is parsed.

Parsers pad short rows, rename repeated columns and stop at the first bad byte. Here each of these is an error that
names its lines. Plain files are counted with NumPy; only files with trouble are read again, record by record.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from volant.kernel.codec import Value
from volant.kernel.errors import InvalidInputError

DELIMITERS = ",;\t|"
_CHUNK = 8 * 1024 * 1024
_EXAMPLES = 10
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_MARK_END = 0xBF  # of the byte order mark
_OTHER_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "an Excel workbook or another zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"ARROW1", "an Arrow (Feather) file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
)


class CsvShape(Value, frozen=True, kw_only=True):
    """A CSV file whose every record has as many fields as its header.

    ``plain_lines``: record i (from 0) is line i + 2, because no field holds a line break and no line is blank.
    """

    delimiter: str
    names: tuple[str, ...]
    plain_lines: bool


def read_shape(path: Path, shown: str) -> CsvShape:
    """Check the whole file. ``InvalidInputError`` naming lines; ``shown`` is how messages call the file."""
    with path.open("rb") as file:
        head = file.read(65536)
        _check_text(head, shown)
        file.seek(0)
        _check_encoding(file, shown)
    delimiter, names = _header(path, head, shown)
    counted = _count_fields(path, delimiter, len(names))
    if counted.bad:
        _explain(path, delimiter, len(names), shown)
    if counted.lone_quote is not None:
        raise _misplaced(shown, f"line {_line_at(path, counted.lone_quote)}: a quote inside a field that is not quoted")
    return CsvShape(delimiter=delimiter, names=names, plain_lines=counted.plain)


def read_header(path: Path, shown: str) -> tuple[str, tuple[str, ...]]:
    """Delimiter and column names alone, for a file that was checked before."""
    with path.open("rb") as file:
        head = file.read(65536)
    return _header(path, head, shown)


def lines_of(path: Path, shape: CsvShape, rows: Sequence[int]) -> list[int]:
    """File line (header is 1) on which each data row (from 0) starts; rows of empty cells only are not counted."""
    if shape.plain_lines or not rows:
        return [row + 2 for row in rows]
    wanted, found, row = set(rows), {}, 0
    for line, fields in _records(path, shape.delimiter):
        if line == 1 or not any(fields):
            continue
        if row in wanted:
            found[row] = line
            if len(found) == len(wanted):
                break
        row += 1
    return [found.get(row, row + 2) for row in rows]


def _check_text(head: bytes, shown: str) -> None:
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InvalidInputError(f"{shown} is empty.", found=f"{len(head)} bytes, no text", next_step="give a file with a header and rows")
    kind = next((name for magic, name in _OTHER_FORMATS if head.startswith(magic)), None)
    if kind is None and b"\x00" in head:
        kind = f"binary data (a NUL byte at offset {head.index(0)})"
    if kind is None and head.lstrip()[:1] in {b"{", b"["}:
        kind = "JSON"
    if kind is not None:
        raise InvalidInputError(f"{shown} is not a CSV or Parquet file.", found=kind, next_step="save the table as UTF-8 CSV or as Parquet")
    if b"\r" in head and b"\n" not in head:
        raise InvalidInputError(
            f"{shown} ends its lines with carriage returns only.", found="no line feed", next_step="save it with LF or CRLF line ends"
        )


def _check_encoding(file: BinaryIO, shown: str) -> None:
    decoder, offset, line = codecs.getincrementaldecoder("utf-8")(), 0, 1
    while True:
        chunk = file.read(_CHUNK)
        pending = decoder.getstate()[0]
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            whole = pending + chunk
            at = offset - len(pending) + error.start
            line += whole[: error.start].count(b"\n")
            raise InvalidInputError(
                f"{shown} is not UTF-8 text.",
                found=f"byte 0x{whole[error.start]:02x} at offset {at}, line {line}",
                next_step="convert it, for example: iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv",
            ) from None
        nul = chunk.find(0)
        if nul >= 0:
            raise InvalidInputError(
                f"{shown} is not a CSV or Parquet file.",
                found=f"a NUL byte at offset {offset + nul}",
                next_step="give a text or Parquet file",
            )
        if not chunk:
            return
        offset += len(chunk)
        line += chunk.count(b"\n")


def _header(path: Path, head: bytes, shown: str) -> tuple[str, tuple[str, ...]]:
    first = head.decode("utf-8-sig", errors="ignore").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=lambda mark: (_outside_quotes(first, mark), mark == ","))
    try:
        line, fields = next(_records(path, delimiter))
    except (csv.Error, StopIteration) as error:
        raise InvalidInputError(
            f"The header of {shown} cannot be read.", found=str(error), next_step="quote names that hold quotes"
        ) from None
    if line != 1 or not any(fields):
        raise InvalidInputError(f"{shown} has no header.", found="a blank first line", next_step="put the column names on the first line")
    names = tuple(name.strip() for name in fields)
    check_names(names, shown)
    return delimiter, names


def _outside_quotes(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


def check_names(names: Sequence[str], shown: str) -> None:
    """Column names that can be told apart and used. ``InvalidInputError`` saying which cannot."""
    empty = [str(i + 1) for i, name in enumerate(names) if not name]
    if empty:
        raise InvalidInputError(
            f"A column of {shown} has no name.",
            found=f"empty name at position {', '.join(empty)}",
            next_step="name every column in the header",
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = [str(i + 1) for i, name in enumerate(names) if name == twice[0]]
        raise InvalidInputError(
            f"{shown} has the column {twice[0]!r} more than once.",
            found=f"at positions {', '.join(places)}" + (f"; also repeated: {', '.join(map(repr, twice[1:]))}" if twice[1:] else ""),
            next_step="rename or remove all but one",
            field=twice[0],
        )
    for name in names:
        if name == "*" or (name.startswith("^") and name.endswith("$")):
            raise InvalidInputError(
                f"{shown} has a column that is named like a pattern.", found=repr(name), next_step="rename the column", field=name
            )


def _misplaced(shown: str, found: str) -> InvalidInputError:
    return InvalidInputError(
        f"{shown} has a quote that is out of place.",
        found=found,
        next_step='put the whole field in quotes and write a quote inside it twice ("")',
    )


def _line_at(path: Path, offset: int) -> int:
    with path.open("rb") as file:
        return file.read(offset).count(b"\n") + 1


def _count_fields(path: Path, delimiter: str, width: int) -> "_FieldCounter":
    counter = _FieldCounter(ord(delimiter), width)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            counter.feed(np.frombuffer(chunk, dtype=np.uint8))
    counter.finish()
    return counter


class _FieldCounter:
    """Counts fields per record chunk by chunk; what spans two chunks is carried over."""

    def __init__(self, delimiter: int, width: int) -> None:
        self._delimiter, self._width = delimiter, width
        self._inside = 0  # 1 while a quoted field is open
        self._fields = 0  # delimiters seen in the open record
        self._bytes = 0  # bytes seen in the open record, carriage returns aside
        self._offset = 0
        self._before = _NEWLINE  # the byte before this chunk
        self.bad, self.plain = False, True
        self.lone_quote: int | None = None  # offset of the first quote inside an unquoted field

    def feed(self, data: np.ndarray) -> None:
        """Take the next bytes."""
        newline, mark = data == _NEWLINE, data == self._delimiter
        quotes = data == _QUOTE
        if self._inside or quotes.any():
            open_quote = ((np.cumsum(quotes) + self._inside) & 1).astype(bool)
            self._look_for_lone_quotes(data, np.flatnonzero(quotes & open_quote))
            self._inside = int(open_quote[-1])
            if (newline & open_quote).any():
                self.plain = False
            newline, mark = newline & ~open_quote, mark & ~open_quote
        ends = np.flatnonzero(newline)
        marks = np.flatnonzero(mark)
        before = np.concatenate([[0], np.searchsorted(marks, ends)])
        counts = np.diff(before)
        returns = np.flatnonzero(data == _RETURN)
        sizes = np.diff(np.concatenate([[-1], ends])) - 1 - np.diff(np.concatenate([[0], np.searchsorted(returns, ends)]))
        self._offset, self._before = self._offset + len(data), int(data[-1])
        if len(ends) == 0:
            self._fields += len(marks)
            self._bytes += len(data) - len(returns)
            return
        counts[0] += self._fields
        sizes[0] += self._bytes
        self._judge(counts, sizes)
        rest = data[ends[-1] + 1 :]
        self._fields = len(marks) - int(before[-1])
        self._bytes = len(rest) - int((rest == _RETURN).sum())

    def _look_for_lone_quotes(self, data: np.ndarray, opening: np.ndarray) -> None:
        """A quote may open after a delimiter or a line end, or again after one that closed (a doubled quote)."""
        if self.lone_quote is not None or len(opening) == 0:
            return
        before = np.where(opening > 0, data[opening - 1], self._before)
        bad = ~np.isin(before, [self._delimiter, _NEWLINE, _QUOTE, _MARK_END])
        if bad.any():
            self.lone_quote = self._offset + int(opening[bad][0])

    def finish(self) -> None:
        """The last record may lack its line end; an open quote is bad."""
        if self._inside:
            self.bad = True
        elif self._bytes:
            self._judge(np.array([self._fields]), np.array([self._bytes]))

    def _judge(self, counts: np.ndarray, sizes: np.ndarray) -> None:
        blank = sizes == 0
        if blank.any():
            self.plain = False
        empty = sizes == counts  # delimiters only: such rows are skipped, and the lines after them shift
        if (empty & ~blank).any():
            self.plain = False
        self.bad = self.bad or bool(((counts != self._width - 1) & ~blank).any())


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records with the line they start on. Raises ``csv.Error``."""
    csv.field_size_limit(1 << 30)
    with io.open(path, encoding="utf-8-sig", newline="") as file:  # noqa: UP020 - the csv module wants newline=""
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        start = 1
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1


def _explain(path: Path, delimiter: str, width: int, shown: str) -> None:
    """Raise, naming the records that do not fit. Returns only if a second look finds nothing wrong."""
    wrong: list[str] = []
    count, line = 0, 0
    try:
        for line, fields in _records(path, delimiter):
            if fields and len(fields) != width:
                count += 1
                if len(wrong) < _EXAMPLES:
                    wrong.append(f"line {line}: {len(fields)} field{'' if len(fields) == 1 else 's'}")
    except csv.Error as error:
        raise _misplaced(shown, f"record after line {line}: {error}") from None
    if count:
        raise InvalidInputError(
            f"{shown} has rows with more or fewer fields than its header ({width}).",
            found=f"{count} such rows",
            details=tuple(wrong),
            next_step="repair these lines; fields that hold the delimiter need quotes",
        )
