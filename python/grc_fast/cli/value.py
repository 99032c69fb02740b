"""`grc-fast value`: what every client is worth, and whether that came true."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from grc_fast.cli.options import (
    QualityFile,
    Returns,
    RunOptions,
    SalesOptions,
    output_option,
    taking,
)
from grc_fast.cli.threads import limit_polars


class PurchaseModelName(StrEnum):
    """The purchase model."""

    MBGNBD = "mbgnbd"
    BGNBD = "bgnbd"


@dataclass(kw_only=True)
class ValueOptions(RunOptions, SalesOptions):
    """The options of `grc-fast value`."""

    output: Annotated[str, output_option("values")]
    horizons: Annotated[
        list[str] | None,
        typer.Option(
            "--horizons",
            metavar="DURATIONS",
            show_default=False,
            help="Horizons, by commas (3mo,12mo,36mo by default).",
        ),
    ] = None
    margin: Annotated[
        str | None,
        typer.Option(
            "--margin",
            metavar="RATE|COLUMN|SQL",
            show_default=False,
            help="Share of an amount that is gain, 0 to 1 (0.3 by default), or the column or SQL "
            "of each line's margin in money.",
        ),
    ] = None
    discount: Annotated[
        float,
        typer.Option("--discount", metavar="RATE", help="Yearly rate at which money loses worth."),
    ] = 0.0
    time_scaler: Annotated[
        float | None,
        typer.Option(
            "--time-scaler",
            metavar="DAYS",
            show_default=False,
            help="Days in the unit of time of the parameters (7 by default).",
        ),
    ] = None
    model: Annotated[
        PurchaseModelName | None,
        typer.Option("--model", show_default=False, help="The purchase model (mbgnbd by default)."),
    ] = None
    returns: Annotated[
        Returns, typer.Option("--returns", help="What becomes of lines with a negative amount.")
    ] = Returns.NET
    model_in: Annotated[
        str | None,
        typer.Option(
            "--model-in",
            metavar="FILE",
            show_default=False,
            help="Value with saved models instead of fitting new ones.",
        ),
    ] = None
    model_out: Annotated[
        str | None,
        typer.Option(
            "--model-out", metavar="FILE", show_default=False, help="Save the models as JSON."
        ),
    ] = None
    quality: QualityFile = None
    holdout: Annotated[
        str | None,
        typer.Option(
            "--holdout",
            metavar="DURATION",
            show_default=False,
            help="Fit before the last DURATION (6mo) of the sales, and compare what was expected "
            "with what came; the values written are those of the fit.",
        ),
    ] = None
    report: Annotated[
        str | None,
        typer.Option(
            "--report",
            metavar="FILE",
            show_default=False,
            help="With --holdout: save the report as .json, or its chart as .svg or .png (which "
            'need the extra "report").',
        ),
    ] = None


@taking(ValueOptions)
def value(options: ValueOptions) -> None:
    """Say what every client is worth: purchases to come, their price, and the gain.

    The sums by horizon (with --holdout: what was expected and what came, by decile) go to
    standard output, or the values with -o -; everything else goes to standard error.
    """
    limit_polars(options.threads)
    # Imported when Polars may be: it reads its number of threads then.
    from grc_fast.cli import valuing

    valuing.run(options)
