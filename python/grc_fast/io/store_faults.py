"""Which addresses are those of object stores, and what is wrong when one cannot be read."""

from __future__ import annotations

import re
from typing import Final

_SCHEMES: Final = ("s3://", "s3a://", "gs://", "az://", "azure://", "abfs://", "abfss://")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3}(?: [A-Za-z]+)*)")
# Where the credentials of a machine in a cloud are asked for, and what is said without them.
_NO_CREDENTIALS: Final = re.compile(
    r"169\.254\.169\.254|/latest/(?:api/token|meta-data)|metadata\.google|MissingCredential"
    r"|no credentials|Account must be",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(
    r"status code: 40[13]\b|ACCESS_DENIED|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch"
    r"|ExpiredToken|lacked the necessary privileges|lacked valid authentication"
)
_UNREACHABLE: Final = re.compile(
    r"error sending request|tcp connect|dns error|timed out|NETWORK_CONNECTION", re.IGNORECASE
)


def is_in_object_store(path: str) -> bool:
    """Tell whether a path is the URL of an object store.

    Examples
    --------
    >>> from grc_fast.io.store_faults import is_in_object_store
    >>> is_in_object_store("s3://shop/sales.parquet"), is_in_object_store("sales.parquet")
    (True, False)
    """
    return path.lower().startswith(_SCHEMES)


def store_fault(place: str, error: Exception) -> str | None:
    """Say in one sentence why an object store could not be read.

    What stores and their clients say may hold the name of a key, so nothing of it is repeated.

    Parameters
    ----------
    place
        The URL, without credentials.
    error
        What was raised.

    Returns
    -------
    str | None
        None where the place is in no store, or the reason is not one of those known here.

    Examples
    --------
    >>> from grc_fast.io.store_faults import store_fault
    >>> store_fault("s3://shop/sales.csv", FileNotFoundError())
    'there is no file s3://shop/sales.csv'
    """
    if not is_in_object_store(place):
        return None
    text = str(error)
    code, status = (found[1] if (found := form.search(text)) else "" for form in (_CODE, _STATUS))
    bucket = "/".join(place.split("/")[:3])
    shown = f" ({code})" if code else ""
    known = (
        (code == "NoSuchBucket", f"{place} cannot be read: there is no bucket {bucket}"),
        (isinstance(error, FileNotFoundError), f"there is no file {place}"),
        (
            _NO_CREDENTIALS.search(text),
            f"{place} cannot be read: no credentials of the store are found in the environment",
        ),
        (
            _REFUSED.search(text),
            f"{place} cannot be read: the store refuses the credentials{shown}",
        ),
        (code or status, f"{place} cannot be read: the store answers {code or status}"),
        (
            _UNREACHABLE.search(text),
            f"{place} cannot be reached: check the network and the endpoint of the store",
        ),
    )
    return next((sentence for applies, sentence in known if applies), None)
