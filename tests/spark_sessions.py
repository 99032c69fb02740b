"""Sessions of Spark on this machine: classic, Connect to the same cluster, and Sail."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

KINDS = ("classic", "connect", "sail")
# Two cores, and a task is tried four times before its job fails.
_MASTER = "local[2,4]"


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


@contextmanager
def sessions(**options: str) -> Iterator[dict[str, Any]]:
    """Start every kind of session that this machine can, one JVM for two of them."""
    pytest.importorskip("pyspark")
    port = free_port()
    options = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "2g",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        **options,
    }
    if os.environ.get("CI") is None and shutil.which("java") is None:
        pytest.skip("there is no Java runtime")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.session import SparkSession as Remote

    builder = SparkSession.builder.master(_MASTER)
    for name, value in options.items():
        builder = builder.config(name, value)
    classic = builder.getOrCreate()
    classic.sparkContext.setLogLevel("OFF")
    server = sail_server()
    remote = Remote.builder.remote(f"sc://127.0.0.1:{port}").create()
    sail = Remote.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").create()
    try:
        yield {"classic": classic, "connect": remote, "sail": sail}
    finally:
        sail.stop()
        server.stop()
        remote.stop()
        classic.stop()


def sail_server() -> Any:
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    return server
