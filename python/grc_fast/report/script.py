"""The script of a page: Vega, and what ties its charts to the page's own controls."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def page_script() -> tuple[str, str]:
    """Return the script with the libraries in it, and the digest by which a page allows it."""
    folder = files("grc_fast.report")
    licences, vega, own = (
        folder.joinpath(*path).read_text("utf-8")
        for path in (("vega", "LICENSES.md"), ("vega", "vega.js"), ("page.js",))
    )
    # In a block of its own, so that its names are not those of the libraries. No text of theirs
    # may end the element that they stand in.
    script = f"/*\n{licences}*/\n{vega}{{\n{own}}}\n".replace("</script", "<\\/script")
    digest = hashlib.sha256(script.encode()).digest()
    return script, base64.b64encode(digest).decode()
