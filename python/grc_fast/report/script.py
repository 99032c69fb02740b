"""The script of a page: Vega, and what ties its charts to the page's own controls."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

import vl_convert


@cache
def page_script() -> tuple[str, str]:
    """Return the script with the libraries in it, and the digest by which a page allows it."""
    own = files("grc_fast.report").joinpath("page.js").read_text("utf-8")
    bundled = vl_convert.javascript_bundle(own)
    # No text of the libraries may end the element that they stand in.
    script = bundled.replace("</script", "<\\/script")
    digest = hashlib.sha256(script.encode()).digest()
    return script, base64.b64encode(digest).decode()
