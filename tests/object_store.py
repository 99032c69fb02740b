"""A server that speaks as S3 does, on a free port of this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUCKET = "shop"
KEY, SECRET = "key-of-the-tests", "secret/of+the=tests"


@dataclass(frozen=True)
class Store:
    """A bucket of the server."""

    endpoint: str
    client: Any

    @property
    def environment(self) -> Mapping[str, str]:
        """What the environment of a reader says of it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }

    def empty(self) -> None:
        """Delete every file."""
        listed = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        for found in listed:
            self.client.delete_object(Bucket=BUCKET, Key=found["Key"])

    def put_folder(self, folder: Path, key: str) -> str:
        """Store a folder, and return its URL."""
        for file in folder.rglob("*"):
            if file.is_file():
                self.put(f"{key}/{file.relative_to(folder).as_posix()}", file.read_bytes())
        return f"s3://{BUCKET}/{key}"

    def put(self, key: str, data: bytes) -> str:
        """Store a file, and return its URL."""
        self.client.put_object(Bucket=BUCKET, Key=key, Body=data)
        return f"s3://{BUCKET}/{key}"


@contextmanager
def running_store() -> Iterator[Store]:
    """Start a server with an empty bucket, and stop it again."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        client.create_bucket(Bucket=BUCKET)
        yield Store(endpoint, client)
    finally:
        server.stop()
