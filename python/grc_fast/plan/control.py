"""The control group: clients who are held out, drawn by a salted hash and written down."""

from __future__ import annotations

from typing import Final

import polars as pl

from grc_fast._core import salted_hashes
from grc_fast._utils.checks import rate, text
from grc_fast.errors import OptionError
from grc_fast.io.ids import same_ids, with_common_ids

_KNOWN: Final = "the control group"
_CLIENTS: Final = "the table of offers"


def check_draw(share: object, salt: object) -> tuple[float, str]:
    """Return the share and the salt of a draw.

    Raises
    ------
    OptionError
        If they are none.
    """
    text("salt", salt, "text, such as spring-2026")
    if not salt:
        raise OptionError("salt must not be empty: who knows it knows the control group")
    return rate("control_share", share, least=0.0, most=1.0), str(salt)


def drawn_control(
    offers: pl.DataFrame, share: float, salt: str, known: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Draw a control group among the clients of offers, or among those who have joined since.

    Parameters
    ----------
    offers
        `client_id`, and where there is one, `group`: each group has its own share held out.
    share
        The share of clients held out, 0 to 1.
    salt
        Text that decides the draw.
    known
        The clients drawn before, `client_id` and `control`, who stay what they are.

    Returns
    -------
    DataFrame
        `client_id`, `control`, (`group`), ascending by id.

    Examples
    --------
    >>> import polars as pl
    >>> drawn = drawn_control(pl.DataFrame({"client_id": range(100)}), 0.1, "spring")
    >>> drawn["control"].sum()
    10
    """
    has_group = "group" in offers.columns
    groups = [pl.col("group").cast(pl.String).min()] if has_group else []
    clients = offers.drop_nulls("client_id").group_by("client_id").agg(groups)
    if known is not None:
        clients, known = with_common_ids(clients, known)
        met = same_ids("client_id", {_CLIENTS: clients, _KNOWN: known})
        clients, known = met[_CLIENTS], met[_KNOWN]
        clients = clients.join(known, on="client_id", how="anti")
    hashes = salted_hashes(clients["client_id"].cast(pl.String), salt)
    within = ["group"] if has_group else []
    place = pl.int_range(pl.len())
    size = pl.len()
    ranked = clients.with_columns(pl.Series("hash", pl.Series(hashes))).sort(
        *within, "hash", "client_id"
    )
    # Half a client and more is one.
    most = (size * share + 0.5).floor().cast(pl.Int64)
    held = (place < most).over(within) if within else place < most
    new = ranked.with_columns(held.alias("control")).drop("hash")
    new = new.select("client_id", "control", *within)
    return (pl.concat([known, new], how="diagonal") if known is not None else new).sort("client_id")
