"""Tables of lakes written as their specifications say, where no library of the tests can."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

# -- Roaring bitmaps ------------------------------------------------------------------------------


def bitmap(positions: Iterable[int]) -> bytes:
    """Write positions below 2**16 as a roaring bitmap of one array."""
    found = sorted(positions)
    head = struct.pack("<IIHHI", 12346, 1, 0, len(found) - 1, 16)
    return head + struct.pack(f"<{len(found)}H", *found)


# -- Delta ----------------------------------------------------------------------------------------

TYPES = {pl.Int64: "long", pl.String: "string", pl.Date: "date", pl.Float64: "double"}
Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data: bytes) -> str:
    text = ""
    for (word,) in struct.iter_unpack(">I", data + b"\0" * (-len(data) % 4)):
        text += "".join(Z85[word // 85**place % 85] for place in (4, 3, 2, 1, 0))
    return text


def delta_vector(positions: Sequence[int]) -> bytes:
    """Write a deletion vector: a 64-bit roaring bitmap after its magic number."""
    return struct.pack("<IQI", 1681511377, 1, 0) + bitmap(positions)


def inline_vector(positions: Sequence[int]) -> dict[str, Any]:
    data = delta_vector(positions)
    return {
        "storageType": "i",
        "pathOrInlineDv": z85(data),
        "sizeInBytes": len(data),
        "cardinality": len(positions),
    }


def vector_in_a_file(root: Path, positions: Sequence[int]) -> dict[str, Any]:
    data = delta_vector(positions)
    path = root / "deletion_vector.bin"
    checked = struct.pack(">I", len(data)) + data + struct.pack(">I", zlib.crc32(data))
    path.write_bytes(b"\1" + checked)
    return {
        "storageType": "p",
        "pathOrInlineDv": path.as_uri(),
        "offset": 1,
        "sizeInBytes": len(data),
        "cardinality": len(positions),
    }


def write_delta(
    root: Path,
    frame: pl.DataFrame,
    files: Mapping[str, pl.DataFrame],
    *,
    partitions: Mapping[str, Mapping[str, str]] | None = None,
    vectors: Mapping[str, Mapping[str, Any]] | None = None,
    protocol: Mapping[str, Any] | None = None,
    configuration: Mapping[str, str] | None = None,
) -> Path:
    """Write a table of one version: its files, and the log that names them."""
    mapped = "delta.columnMapping.mode" in (configuration or {})
    columns = [
        {
            "name": name,
            "type": TYPES[type(dtype)],
            "nullable": True,
            "metadata": {
                "delta.columnMapping.id": number,
                "delta.columnMapping.physicalName": f"col-{number}",
            }
            if mapped
            else {},
        }
        for number, (name, dtype) in enumerate(frame.schema.items(), start=1)
    ]
    keys = list(next(iter(partitions.values()))) if partitions else []
    actions: list[dict[str, Any]] = [
        {"protocol": dict(protocol or {"minReaderVersion": 1, "minWriterVersion": 2})},
        {
            "metaData": {
                "id": "6c1b5b0a-0000-4000-8000-000000000000",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": columns}),
                "partitionColumns": keys,
                "configuration": dict(configuration or {}),
                "createdTime": 0,
            }
        },
    ]
    for name, part in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_parquet(path)
        action = {
            "path": name,
            "partitionValues": dict((partitions or {}).get(name, {})),
            "size": path.stat().st_size,
            "modificationTime": 0,
            "dataChange": True,
            "stats": json.dumps({"numRecords": part.height}),
        }
        if vectors and name in vectors:
            action["deletionVector"] = dict(vectors[name])
        actions.append({"add": action})
    log = root / "_delta_log"
    log.mkdir()
    (log / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))
    return root


# -- Iceberg --------------------------------------------------------------------------------------


def iceberg_table(warehouse: Path, frames: Sequence[pl.DataFrame], **options: Any) -> Any:
    """Write a table of the second format with pyiceberg, a snapshot for each frame."""
    from pyiceberg.catalog.memory import InMemoryCatalog

    catalog = InMemoryCatalog("tests", warehouse=warehouse.as_uri())
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.sales", schema=frames[0].to_arrow().schema, **options)
    for frame in frames:
        table.append(frame.to_arrow())
    return table


def root_of(table: Any) -> Path:
    return Path(table.location().removeprefix("file://"))


def data_files(table: Any) -> list[str]:
    return [task.file.file_path for task in table.scan().plan_files()]


def with_deletes(table: Any, deletes: Sequence[Mapping[str, Any]]) -> Path:
    """Commit files of deletes to a table, and return its new file of metadata."""
    from pyiceberg.manifest import (
        DataFile,
        ManifestContent,
        ManifestEntry,
        ManifestEntryStatus,
        ManifestWriterV2,
        write_manifest_list,
    )
    from pyiceberg.typedef import Record

    class DeletesWriter(ManifestWriterV2):
        def content(self) -> ManifestContent:
            return ManifestContent.DELETES

        @property
        def _meta(self) -> dict[str, str]:
            return {**super()._meta, "content": "deletes"}

    parent = table.current_snapshot()
    snapshot, sequence = parent.snapshot_id + 1, table.metadata.last_sequence_number + 1
    folder = root_of(table) / "metadata"
    manifest = table.io.new_output(str(folder / f"deletes-{snapshot}.avro"))
    with DeletesWriter(table.spec(), table.schema(), manifest, snapshot, "null") as writer:
        for delete in deletes:
            file = DataFile.from_args(partition=Record(), **delete)
            file.spec_id = table.spec().spec_id
            writer.add_entry(
                ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED, snapshot_id=snapshot, data_file=file
                )
            )
    listed = table.io.new_output(str(folder / f"snap-{snapshot}.avro"))
    with write_manifest_list(2, listed, snapshot, parent.snapshot_id, sequence, "null") as lists:
        lists.add_manifests([*parent.manifests(table.io), writer.to_manifest_file()])
    metadata = json.loads(Path(table.metadata_location.removeprefix("file://")).read_text())
    metadata["snapshots"].append(
        metadata["snapshots"][-1]
        | {
            "snapshot-id": snapshot,
            "parent-snapshot-id": parent.snapshot_id,
            "sequence-number": sequence,
            "manifest-list": listed.location,
            "summary": {"operation": "delete"},
        }
    )
    metadata["current-snapshot-id"] = snapshot
    metadata["last-sequence-number"] = sequence
    metadata["refs"]["main"]["snapshot-id"] = snapshot
    path = folder / "00099-deletes.metadata.json"
    path.write_text(json.dumps(metadata))
    return path


def position_deletes(table: Any, positions: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """Write a file that names rows by their data file and position."""
    from pyiceberg.manifest import DataFileContent, FileFormat

    rows = [(file, position) for file in sorted(positions) for position in positions[file]]
    frame = pl.DataFrame(rows, schema={"file_path": pl.String, "pos": pl.Int64}, orient="row")
    fields = [("file_path", 2147483546), ("pos", 2147483545)]
    # Readers find the columns by these numbers.
    return {
        **_written(table, "position-deletes.parquet", frame, fields),
        "content": DataFileContent.POSITION_DELETES,
        "file_format": FileFormat.PARQUET,
        "record_count": len(rows),
    } | _bounds(positions)


def equality_deletes(table: Any, frame: pl.DataFrame) -> dict[str, Any]:
    """Write a file that names rows by their values."""
    from pyiceberg.manifest import DataFileContent, FileFormat

    fields = [(name, table.schema().find_field(name).field_id) for name in frame.columns]
    return {
        **_written(table, "equality-deletes.parquet", frame, fields),
        "content": DataFileContent.EQUALITY_DELETES,
        "file_format": FileFormat.PARQUET,
        "record_count": frame.height,
        "equality_ids": [number for _, number in fields],
    }


def deletion_vector(table: Any, file: str, positions: Sequence[int]) -> dict[str, Any]:
    """Write a Puffin file with the deletion vector of one data file."""
    from pyiceberg.manifest import DataFileContent, FileFormat

    vector = b"\xd1\xd3\x39\x64" + struct.pack("<QI", 1, 0) + bitmap(positions)
    blob = struct.pack(">I", len(vector)) + vector + struct.pack(">I", zlib.crc32(vector))
    properties = {"referenced-data-file": file, "cardinality": str(len(positions))}
    described = {
        "type": "deletion-vector-v1",
        "fields": [2147483545],
        "snapshot-id": -1,
        "sequence-number": -1,
        "offset": 4,
        "length": len(blob),
        "properties": properties,
    }
    footer = json.dumps({"blobs": [described], "properties": {}}).encode()
    path = root_of(table) / "data" / "deletes.puffin"
    end = struct.pack("<II", len(footer), 0) + b"PFA1"
    path.write_bytes(b"PFA1" + blob + b"PFA1" + footer + end)
    return {
        "file_path": path.as_uri(),
        "file_size_in_bytes": path.stat().st_size,
        "content": DataFileContent.POSITION_DELETES,
        "file_format": FileFormat.PUFFIN,
        "record_count": len(positions),
    } | _bounds([file])


def _written(
    table: Any, name: str, frame: pl.DataFrame, fields: Sequence[tuple[str, int]]
) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    plain = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    schema = pa.schema(
        [
            plain.schema.field(column).with_metadata({"PARQUET:field_id": str(number)})
            for column, number in fields
        ]
    )
    path = root_of(table) / "data" / name
    pq.write_table(plain.cast(schema), path)
    return {"file_path": path.as_uri(), "file_size_in_bytes": path.stat().st_size}


def _bounds(files: Iterable[str]) -> dict[str, Any]:
    """Say which data files deletes are of: the first and the last of their paths."""
    found = sorted(files)
    return {
        "lower_bounds": {2147483546: found[0].encode()},
        "upper_bounds": {2147483546: found[-1].encode()},
    }
