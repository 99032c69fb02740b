"""From the options of a command to what is read."""

from collections.abc import Callable

from grc_fast.cli.options import SalesOptions, comma_list
from grc_fast.rfm import Reading
from grc_fast.roles import Roles


def source_of(paths: list[str]) -> str | list[str]:
    """Return the source that the arguments name."""
    return paths[0] if len(paths) == 1 else paths


def reading_of(
    options: SalesOptions, threads: int | None, progress: Callable[[int], None] | None
) -> Reading:
    """Return how the sales are read."""
    return Reading(
        as_of=options.as_of,
        roles=Roles(
            client=options.client,
            date=options.date,
            amount=options.amount,
            order=comma_list(options.order) if options.order else None,
            where=options.where,
        ),
        clients=options.clients,
        timezone=options.timezone,
        money_scale=options.money_scale,
        threads=threads,
        progress=progress,
    )
