"""What the models of purchases and of spend share: named parameters, and files of them."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, Self

from grc_fast.value.model_json import Parts, load_parts, save_parts

# Fields that no file holds among the others: the key of the model, and its clients.
_APART: Final = frozenset(("name", "fitted"))


@dataclass(frozen=True)
class SavedModel(ABC):
    """A model of named parameters that files hold, alone or beside another."""

    _parameters: ClassVar[tuple[str, ...]]

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in self._parameters}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the parameters as JSON; clients are not kept.

        Raises
        ------
        OutputError
            If the file cannot be written.
        """
        save_parts(self.part(), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a model that `save` wrote, alone or beside the model of the other kind.

        Raises
        ------
        ModelError
            If the file holds no such model.
        """
        return cls.of_parts(load_parts(path), os.fspath(path))

    @abstractmethod
    def part(self) -> Parts:
        """Return the model as files hold it, by its name."""

    @classmethod
    @abstractmethod
    def of_parts(cls, parts: Parts, where: str) -> Self:
        """Make the model that a file holds; `where` is how errors name it."""

    def _kept(self) -> dict[str, Any]:
        """Return the fields that files hold."""
        kept = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in _APART
        }
        return kept | {"standard_errors": dict(kept["standard_errors"])}
