"""A PostgreSQL server of the tests' own, on a free port of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Every letter that an address gives a meaning to.
PASSWORD = "se:cr/et@1?%#x"


@dataclass(frozen=True)
class Server:
    """Where the server listens."""

    port: int

    def address(self, password: str = PASSWORD, *, encoded: bool = True) -> str:
        """Return the address of the database, with the password."""
        shown = quote(password, safe="") if encoded else password
        return f"postgresql://tester:{shown}@127.0.0.1:{self.port}/postgres"

    def run(self, *statements: str) -> list[Any]:
        """Run statements, each committed, and return the rows of the last."""
        from adbc_driver_postgresql import dbapi

        rows = []
        with dbapi.connect(self.address(), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall() if cursor.description else []
        return rows


def programs() -> Path | None:
    """Find the folder of PostgreSQL's programs: Debian keeps them off the search path."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start a server from the programs of a folder, as an ordinary user, and stop it again."""
    # Not below the folders of pytest, which only their owner may enter.
    home = Path(tempfile.mkdtemp(prefix="grc-fast-postgres-"))
    owner: dict[str, Any] = {}
    if os.getuid() == 0:  # the server refuses to be run by root
        owner = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        # Root without its rights over files must write here as well.
        home.chmod(0o777)
    password = home / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    data, log = home / "data", home / "log"

    def call(program: str, *arguments: object) -> None:
        # Without a pipe, which the server would hold open.
        with log.open("a") as said:
            subprocess.run(
                [folder / program, "-D", data, *arguments],
                check=True, cwd=home, stdout=said, stderr=said, **owner,
            )  # fmt: skip

    how = ("-U", "tester", "-A", "scram-sha-256", f"--pwfile={password}")
    call("initdb", *how, "-E", "UTF8", "--no-locale", "--no-sync")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
    call("pg_ctl", "-o", options, "-w", "-l", home / "server.log", "start")
    try:
        yield Server(port)
    finally:
        call("pg_ctl", "-m", "immediate", "stop")
        subprocess.run(["rm", "-r", data], check=True, **owner)
        shutil.rmtree(home, ignore_errors=True)
