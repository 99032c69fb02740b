"""A purchase model and a spend model together, and their JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grc_fast.labels.filling import Wording
from grc_fast.labels.table import Table, paragraphs
from grc_fast.value.model_json import SPEND, Parts, from_dict, load_parts, save_parts, to_dict
from grc_fast.value.purchases import PurchaseModel
from grc_fast.value.spend import SpendModel


@dataclass(frozen=True)
class ValueModel:
    """What is needed to value clients: how often they buy, and what a purchase is worth.

    Attributes
    ----------
    purchases
        The BG/NBD or MBG/NBD model.
    spend
        The Gamma-Gamma model; None if only purchases are predicted.

    Examples
    --------
    >>> import grc_fast as grc
    >>> purchases = grc.PurchaseModel("mbgnbd", 0.525, 6.183, 0.891, 1.614)
    >>> model = grc.ValueModel(purchases, grc.SpendModel(6.25, 3.74, 15.44))
    >>> grc.ValueModel.from_dict(model.to_dict()) == model
    True
    """

    purchases: PurchaseModel
    spend: SpendModel | None

    @property
    def warnings(self) -> list[Wording]:
        """What to beware of."""
        return self.purchases.warnings + ([] if self.spend is None else self.spend.warnings)

    def _repr_html_(self) -> str:
        parts = (self.purchases, *(() if self.spend is None else (self.spend,)))
        rows = [[name, f"{value:.5g}"] for part in parts for name, value in part.parameters.items()]
        table = Table(self.purchases.title, [], rows)
        return table.html() + paragraphs("\n".join(self.warnings))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as JSON, whole or not at all.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_parts(self._parts(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ValueModel:
        """Read a model that `save` wrote.

        Raises
        ------
        ModelError
            If the file cannot be read, or is no value model: the sentence says where and why.
        """
        return cls._of(load_parts(path), os.fspath(path))

    def to_dict(self) -> dict[str, Any]:
        """Return the model in types that JSON knows."""
        return to_dict(self._parts())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ValueModel:
        """Make a model of what `to_dict` returned.

        Raises
        ------
        ModelError
            If it is anything else.
        """
        return cls._of(from_dict(data, "the model"), "the model")

    def _parts(self) -> Parts:
        return self.purchases.part() | ({} if self.spend is None else self.spend.part())

    @classmethod
    def _of(cls, parts: Parts, where: str) -> ValueModel:
        spend = SpendModel.of_parts(parts, where) if SPEND in parts else None
        return cls(PurchaseModel.of_parts(parts, where), spend)
