"""Texts read as numbers and instants by the extension: what comes back, and what errors carry."""

import polars as pl
import pytest

from grc_fast import _core
from grc_fast.errors import ColumnError, DataError, OptionError


def test_numbers_come_back_as_floats_chunk_by_chunk() -> None:
    column = pl.concat(
        [pl.Series(["1 234,50 €", None, "NULL"]), pl.Series(["(12) €", "-3"])], rechunk=False
    )
    numbers, null_words = _core.parse_numbers(
        column, decimal=",", thousands=" ", currency="€", null_words=["NULL"]
    )
    assert pl.Series(numbers).to_list() == [1234.5, None, None, -12.0, -3.0]
    assert null_words == 1


@pytest.mark.parametrize(
    ("form", "text", "zoned"),
    [
        ("dmy", "5/1/2024 9:05", False),
        ("excel", "45296,378472222", False),
        ("iso", "2024-01-05 09:05 UTC", True),
        ("epoch-s", "1704445500", True),
    ],
)
def test_dates_come_back_as_instants_that_say_whether_they_are_zoned(
    form: str, text: str, zoned: bool
) -> None:
    dates, null_words, found = _core.parse_dates(
        pl.Series([text, "", None]), form=form, null_words=[""]
    )
    series = pl.Series(dates)
    assert series.dtype == pl.Datetime("us", "UTC" if zoned else None)
    assert series.dt.to_string("%F %T").to_list() == ["2024-01-05 09:05:00", None, None]
    assert (null_words, found) == (1, zoned)


def test_columns_without_texts_keep_what_was_known_of_zones() -> None:
    for column in (pl.Series([], dtype=pl.String), pl.Series([None, None], dtype=pl.String)):
        for zoned in (None, True, False):
            dates, _, found = _core.parse_dates(column, form="iso", null_words=[], zoned=zoned)
            assert found is zoned
            assert len(pl.Series(dates)) == len(column)


def test_errors_carry_row_and_value() -> None:
    column = pl.Series(["1", None, "12..5", "x"])
    with pytest.raises(DataError, match=r'^"12\.\.5" is no number$') as number:
        _core.parse_numbers(column, decimal=".", thousands=None, currency=None, null_words=[])
    assert (number.value.row, number.value.value) == (2, "12..5")  # type: ignore[attr-defined]
    with pytest.raises(DataError, match="has a zone, and rows before have none") as date:
        _core.parse_dates(pl.Series(["2024-01-05T09:05Z"]), form="iso", null_words=[], zoned=False)
    assert date.value.row == 0  # type: ignore[attr-defined]
    with pytest.raises(ColumnError, match="cast it to text"):
        _core.parse_dates(pl.Series([1]), form="iso", null_words=[])
    with pytest.raises(OptionError, match="take one of iso, dmy"):
        _core.parse_dates(column, form="myd", null_words=[])
