from datetime import date, datetime

import polars as pl
import pytest

from volant.data.model import Column, Dtype
from volant.data.reading import read_frame, row_lines, sniff
from volant.kernel.errors import InvalidInputError, NotFoundError


def types(table):
    return {column.name: column.dtype.value for column in table.columns}


def load(path):
    table = sniff(path)
    frame = read_frame(path, table.format, table.columns)
    assert frame.equals(read_frame(path, table.format, table.columns, trusted=True))
    return table, frame


def test_each_column_gets_the_type_that_fits_all_its_cells(write):
    path = write("i,f,s,b,d,t\n1,0.5,x,true,2011-01-01,2011-01-01T05:00:00Z\n-2,1e3,y,False,1969-12-31,2011-01-01 05:30\n")
    table, frame = load(path)
    assert types(table) == {"i": "int", "f": "float", "s": "string", "b": "bool", "d": "date", "t": "datetime"}
    assert frame.row(0) == (1, 0.5, "x", True, date(2011, 1, 1), datetime(2011, 1, 1, 5))  # noqa: DTZ001
    assert frame.row(1) == (-2, 1000.0, "y", False, date(1969, 12, 31), datetime(2011, 1, 1, 5, 30))  # noqa: DTZ001


def test_a_cell_far_down_the_file_decides_the_type_too(write):
    path = write("a,b,c\n" + "1,,2011-01-01\n" * 3000 + "1.5,7,2011-01-01T01:00\n")
    table, frame = load(path)
    assert types(table) == {"a": "float", "b": "int", "c": "datetime"}
    assert table.rows == 3001
    assert frame["b"].null_count() == 3000


@pytest.mark.parametrize("word", ["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None", "#N/A", "<NA>", " "])
def test_the_usual_words_for_missing_are_missing_in_columns_of_numbers(write, word):
    table, frame = load(write(f"a,b\n1,x\n{word},y\n"))
    assert types(table)["a"] == "int"
    assert frame["a"].to_list() == [1, None]
    assert table.columns[0].nullable
    assert not table.columns[1].nullable


def test_in_text_only_empty_and_na_are_missing_and_the_latter_is_told(write):
    table, frame = load(write("a,b\nNone,1\nNA,2\n,3\nx,4\n"))
    assert frame["a"].to_list() == ["None", None, None, "x"]
    assert table.warnings == ("'a': 1 cells that say NA were read as missing.",)


def test_numbers_that_would_lose_something_stay_text(write):
    table, frame = load(write("zip,id\n01234,12345678901234567890\n98765,2\n"))
    assert frame.row(0) == ("01234", "12345678901234567890")
    assert len(table.warnings) == 2


def test_a_few_bad_cells_keep_a_column_text_and_are_named(write):
    table, frame = load(write("a,b\n" + "1.5,x\n" * 50 + "oops,x\n"))
    assert frame["a"].dtype == pl.String
    assert "1 of 51 cells are not numbers" in table.warnings[0]
    assert "line 52: 'oops'" in table.warnings[0]


def test_decimal_commas_and_local_dates_are_told(write):
    table, _ = load(write("a;d\n" + "1,5;24.12.2011\n" * 3))
    assert types(table) == {"a": "string", "d": "string"}
    assert "decimal commas" in table.warnings[0]
    assert "looks like dates" in table.warnings[1]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write, mark):
    _, frame = load(write(f'a{mark}"b{mark}c"\n1{mark}"x{mark}y"\n'))
    assert frame.rows() == [(1, f"x{mark}y")]
    assert frame.columns == ["a", f"b{mark}c"]


def test_offsets_are_brought_to_utc(write):
    _, frame = load(write("t,x\n2013-01-01T06:00:00.25+02:00,1\n2013-01-01T00:00:00-0330,1\n"))
    assert [t.isoformat() for t in frame["t"]] == ["2013-01-01T04:00:00.250000", "2013-01-01T03:30:00"]


def test_byte_order_mark_crlf_blank_lines_and_a_missing_last_line_end_are_fine(write):
    path = write(b"\xef\xbb\xbfa,b\r\n1,x\r\n\r\n2,y\r\n,\r\n3,z")
    _, frame = load(path)
    assert frame.rows() == [(1, "x"), (2, "y"), (3, "z")]
    assert row_lines(path, "csv", [0, 1, 2]) == [2, 4, 6]


def test_quoted_line_breaks_are_part_of_the_cell_and_lines_are_still_named_right(write):
    path = write('a,b\n"x\ny",1\n"q""z",2\n')
    _, frame = load(path)
    assert frame["a"].to_list() == ["x\ny", 'q"z']
    assert row_lines(path, "csv", [0, 1]) == [2, 4]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("a,b\n", "has a header but no rows"),
        ("\na,b\n1,2\n", "no header"),
        ("a,b,a\n1,2,3\n", "column 'a' more than once.*\n.*1, 3"),
        ("a, a\n1,2\n", "column 'a' more than once"),
        ("a,\n1,2\n", "no name"),
        ("a,*\n1,2\n", "named like a pattern"),
        ("a,^x$\n1,2\n", "named like a pattern"),
        ("a,b\n1,2\n1\n4,5,6\n", "(?s)more or fewer fields.*2 such rows.*line 3: 1 field.*line 4: 3 fields"),
        (b"a,b\n1,2\n1,\xe9\n", "(?s)not UTF-8.*0xe9 at offset 10, line 3"),
        (b"a,b\n\x00,2\n", "binary data"),
        (b"a,b\n" + b"1,2\n" * 30000 + b"\x00,2\n", "a NUL byte at offset 120004"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b"\xff\xfea\x00", "UTF-16"),
        ('{"a": 1}', "JSON"),
        ("a,b\r1,2\r", "carriage returns"),
        ('a,b\n"x,2\n3,4\n', "quote that is out of place"),
        ('a,b\n5" pipe,2\n3,4\n', "quote that is out of place"),
        ("_row,b\n1,2\n", "Volant uses itself"),
        ("PAR1 no more", "not a whole Parquet file"),
    ],
)
def test_a_file_that_is_no_table_says_why(write, content, says):
    with pytest.raises(InvalidInputError, match=says):
        sniff(write(content))


def test_a_bad_byte_that_two_reads_share_is_found_where_it_is(write):
    filler = b"a,b\n" + b"1,2\n" * (2 * 1024 * 1024 - 2)
    content = filler + b"12\xc3"  # the 8 MiB chunk ends inside a character that never comes
    with pytest.raises(InvalidInputError, match=f"offset {len(filler) + 2}"):
        sniff(write(content + b"\n"))


def test_what_is_no_file_says_so(tmp_path, write):
    write("a,b\n1,2\n", "bikes.csv")
    with pytest.raises(NotFoundError, match=r"did you mean .*bikes\.csv"):
        sniff(tmp_path / "bike.csv")
    with pytest.raises(NotFoundError, match="no folder"):
        sniff(tmp_path / "nowhere" / "bike.csv")
    with pytest.raises(InvalidInputError, match="a folder"):
        sniff(tmp_path)
    with pytest.raises(InvalidInputError, match="pattern"):
        sniff(tmp_path / "*.csv")
    with pytest.raises(InvalidInputError, match="a URL"):
        sniff(tmp_path / "x", "https://example.org/x.csv")


def test_reading_with_given_types_names_the_cells_that_do_not_fit(write):
    path = write("a,b\n1,x\noops,y\n")
    with pytest.raises(InvalidInputError, match=r"(?s)'a' of rows\.csv is not of type int.*line 3: 'oops'"):
        read_frame(path, "csv", [Column(name="a", dtype=Dtype.INT, nullable=False)])
    with pytest.raises(InvalidInputError, match="did you mean 'b'"):
        read_frame(path, "csv", [Column(name="bb", dtype=Dtype.INT, nullable=False)])


def test_parquet_types_become_logical_types(tmp_path):
    path = tmp_path / "rows.parquet"
    zoned = pl.Series([datetime(2026, 1, 1, 12), None]).dt.replace_time_zone("Europe/Berlin")  # noqa: DTZ001
    frame = pl.DataFrame(
        {
            "i8": pl.Series([1, 2], dtype=pl.Int8),
            "f32": pl.Series([0.5, float("nan")], dtype=pl.Float32),
            "cat": pl.Series(["a", "b"], dtype=pl.Categorical),
            "t": zoned,
            "none": pl.Series([None, None]),
            "dec": pl.Series(["1.50", "2.25"]).cast(pl.Decimal(10, 2)),
        }
    )
    frame.write_parquet(path)
    table, read = load(path)
    assert types(table) == {"i8": "int", "f32": "float", "cat": "string", "t": "datetime", "none": "float", "dec": "float"}
    assert [c.nullable for c in table.columns] == [False, True, False, True, True, False]
    assert read["t"].to_list() == [datetime(2026, 1, 1, 11), None]  # noqa: DTZ001
    assert row_lines(path, "parquet", [0]) == [None]


def test_nested_parquet_columns_are_refused_by_name(tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": [1], "deep": [[1, 2]]}).write_parquet(path)
    with pytest.raises(InvalidInputError, match="'deep' is List"):
        sniff(path)


def test_parquet_cut_off_is_no_table(tmp_path):
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"a": range(1000)}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInputError, match="not a whole Parquet file"):
        sniff(path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "rows", "numbers"),
    [("bike_hourly", 17379, 16), ("elec2", 45312, 8), ("noaa_bellevue_weather", 18159, 9), ("nyc2013_weather", 26115, 13)],
)
def test_the_real_files_are_read_whole(data_folder, name, rows, numbers):
    table, frame = load(data_folder / f"{name}.csv")
    assert (table.rows, frame.height) == (rows, rows)
    assert sum(kind in {"int", "float"} for kind in types(table).values()) == numbers
    assert table.warnings == ()


def test_nan_in_parquet_is_missing_as_an_empty_cell_of_csv_is(tmp_path):
    path = tmp_path / "holes.parquet"
    pl.DataFrame({"a": [1.0, float("nan"), None]}).write_parquet(path)
    table = sniff(path, path.name)
    assert table.columns[0].nullable
    assert read_frame(path, table.format, table.columns)["a"].to_list() == [1.0, None, None]
