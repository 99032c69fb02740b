"""Delta and Iceberg tables, and object stores: read to the full, or refused in one sentence."""

import datetime as dt
import gzip
import json
import os
import sys
import threading
import time
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import deltalake
import polars as pl
import pytest
from backports import zstd  # type: ignore[import-not-found,unused-ignore]

import grc_fast as grc
from lake_tables import (
    data_files,
    deletion_vector,
    equality_deletes,
    iceberg_table,
    inline_vector,
    position_deletes,
    root_of,
    vector_in_a_file,
    with_deletes,
    write_delta,
)
from object_store import BUCKET, KEY, SECRET

AS_OF = "2026-07-01"


def sales(first: int = 0, rows: int = 6) -> pl.DataFrame:
    """A client a row, who spent as much as the number of the row."""
    numbers = range(first, first + rows)
    return pl.DataFrame(
        {
            "client_id": [f"c{number}" for number in numbers],
            "date": [dt.date(2026, 1, 1)] * rows,
            "amount": [float(number) for number in numbers],
        }
    )


def spent(source, **reading) -> dict[str, float]:
    facts = grc.facts(source, facts=["total"], as_of=AS_OF, **reading)
    return dict(facts.frame.select("client_id", pl.col("total").cast(pl.Float64)).rows())


def said(source) -> str:
    with pytest.raises(grc.GrcError) as error:
        spent(source)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def notes(source) -> tuple[str, ...]:
    return grc.facts(source, facts=["total"], as_of=AS_OF).quality.notes


EXPECTED = {f"c{number}": float(number) for number in range(6)}
WITHOUT_2_AND_3 = {name: total for name, total in EXPECTED.items() if name not in ("c2", "c3")}


# -- Delta ----------------------------------------------------------------------------------------


@pytest.fixture
def delta(tmp_path) -> Path:
    """A table whose first version, overwritten since, is still in its folder."""
    root = tmp_path / "lake" / "sales"
    root.parent.mkdir()
    deltalake.write_deltalake(root, sales(100).to_arrow())
    deltalake.write_deltalake(root, sales(0, 3).to_arrow(), mode="overwrite")
    deltalake.write_deltalake(root, sales(3, 3).to_arrow(), mode="append")
    return root


def test_a_delta_table_is_its_newest_version(delta):
    assert spent(delta) == EXPECTED
    assert spent(f"{delta}/") == EXPECTED
    assert spent(delta.as_uri()) == EXPECTED


def test_a_run_reads_one_version_of_a_delta_table(delta, monkeypatch):
    """What is written while a run reads is not of this run."""
    from grc_fast.io.open import open_source
    from grc_fast.io.roles import Roles

    opened = open_source(str(delta)).open(Roles())
    deltalake.write_deltalake(delta, sales(200).to_arrow(), mode="overwrite")
    rows = [pl.concat(opened.batches()).sort("client")["client"].to_list() for _ in range(2)]
    assert rows == [sorted(EXPECTED)] * 2


VECTORS = {
    "minReaderVersion": 3,
    "minWriterVersion": 7,
    "readerFeatures": ["deletionVectors"],
    "writerFeatures": ["deletionVectors"],
}


@pytest.mark.parametrize("stored", ["in the log", "in a file"])
def test_deletion_vectors_are_applied(tmp_path, stored):
    root = tmp_path / "sales"
    root.mkdir()
    vector = inline_vector([2, 3]) if stored == "in the log" else vector_in_a_file(root, [2, 3])
    files = {"a.parquet": sales(), "b.parquet": sales(6)}
    write_delta(root, sales(), files, vectors={"a.parquet": vector}, protocol=VECTORS)
    assert spent(root) == WITHOUT_2_AND_3 | {f"c{number}": float(number) for number in range(6, 12)}


@pytest.mark.parametrize(
    ("protocol", "configuration", "sentence"),
    [
        (
            {"minReaderVersion": 2, "minWriterVersion": 5},
            {"delta.columnMapping.mode": "name"},
            "is a Delta table with columnMapping, which cannot be read: write its rows",
        ),
        (
            VECTORS | {key: ["columnMapping"] for key in ("readerFeatures", "writerFeatures")},
            {"delta.columnMapping.mode": "id"},
            "is a Delta table with columnMapping, which cannot be read",
        ),
        (
            VECTORS | {key: ["typeWidening"] for key in ("readerFeatures", "writerFeatures")},
            {},
            "typeWidening",
        ),
        ({"minReaderVersion": 2, "minWriterVersion": 5}, {}, "with reader version 2, which cannot"),
        ({"minReaderVersion": 9, "minWriterVersion": 9}, {}, "cannot be read"),
    ],
)
def test_what_a_delta_table_asks_of_readers_is_refused_by_name(
    tmp_path, protocol, configuration, sentence
):
    root = write_delta(
        tmp_path / "sales",
        sales(),
        {"a.parquet": sales()},
        protocol=protocol,
        configuration=configuration,
    )
    assert sentence in said(root)


def test_partitions_of_a_delta_table_are_columns(tmp_path):
    frame = sales().with_columns(
        pl.Series("shop é", ["x/ y", "é=1", None, "001", "a+b%", "x/ y"]), year=2026
    )
    root = tmp_path / "sales"
    deltalake.write_deltalake(root, frame.to_arrow(), partition_by=["shop é", "date", "year"])
    where = """"shop é" IN ('x/ y', 'é=1', '001', 'a+b%') AND year = 2026"""
    assert spent(root) == EXPECTED
    assert spent(root, where=where) == {k: v for k, v in EXPECTED.items() if k != "c2"}


@pytest.mark.parametrize("folder", ["", "shop=2/"])
def test_partitions_that_are_in_the_log_alone_are_refused(tmp_path, folder):
    name = f"{folder}a.parquet"
    root = write_delta(
        tmp_path / "sales",
        sales().with_columns(shop=pl.lit("1")),
        {name: sales()},
        partitions={name: {"shop": "1"}},
    )
    assert "keeps the values of 'shop' in its log and not in the names of its folders" in said(root)


def test_a_delta_table_may_be_empty_or_gain_columns(tmp_path):
    deltalake.write_deltalake(tmp_path / "empty", sales().clear().to_arrow())
    assert spent(tmp_path / "empty") == {}
    deltalake.write_deltalake(tmp_path / "grown", sales(0, 3).to_arrow())
    deltalake.write_deltalake(
        tmp_path / "grown",
        sales(3, 3).with_columns(shop=pl.lit("x")).to_arrow(),
        mode="append",
        schema_mode="merge",
    )
    assert spent(tmp_path / "grown") == EXPECTED
    assert spent(tmp_path / "grown", where="shop IS NULL") == {f"c{n}": float(n) for n in range(3)}


def test_a_broken_delta_table_is_one_sentence(delta):
    lost = Path(deltalake.DeltaTable(delta).file_uris()[0])
    lost.rename(lost.with_suffix(".gone"))
    assert "cannot be read: No such file or directory" in said(delta)
    for entry in (delta / "_delta_log").iterdir():
        entry.unlink()
    assert f"{delta} cannot be read as a Delta table: " in said(delta)


# -- Iceberg --------------------------------------------------------------------------------------


@pytest.fixture
def iceberg(tmp_path):
    return iceberg_table(tmp_path, [sales(0, 4), sales(4, 2)])


def test_an_iceberg_table_is_its_newest_snapshot(iceberg):
    iceberg.append(sales(6, 1).to_arrow())
    iceberg.overwrite(sales().to_arrow())
    assert spent(root_of(iceberg)) == EXPECTED
    assert spent(iceberg.metadata_location.removeprefix("file://")) == EXPECTED
    assert spent(iceberg.metadata_location) == EXPECTED


def test_a_relative_path_of_an_iceberg_table_will_do(iceberg, monkeypatch):
    monkeypatch.chdir(root_of(iceberg).parent)
    assert spent(root_of(iceberg).name) == EXPECTED


NO_FILE = "v1.metadata.json"


def older(iceberg) -> list[Path]:
    """Files of metadata from the oldest on: no snapshot, then one, then two."""
    return sorted((root_of(iceberg) / "metadata").glob("*.metadata.json"))


def test_a_hint_names_the_version_of_an_iceberg_table(iceberg):
    hint = root_of(iceberg) / "metadata" / "version-hint.text"
    before = {f"c{number}": float(number) for number in range(4)}
    for text in (older(iceberg)[1].name, older(iceberg)[1].name.removesuffix(".metadata.json")):
        hint.write_text(f"{text}\n")
        assert spent(root_of(iceberg)) == before
    for number, file in enumerate(older(iceberg), start=9):
        file.rename(file.with_name(f"v{number}.metadata.json"))
    hint.write_text("10")
    assert spent(root_of(iceberg)) == EXPECTED  # the hint is changed after version 11 is there
    hint.unlink()
    assert spent(root_of(iceberg)) == EXPECTED  # 11 is more than 9
    (hint.parent / "v11.metadata.json").rename(hint.parent / "v12.metadata.json")
    hint.write_text("10")
    assert spent(root_of(iceberg)) == before


def test_two_newest_files_of_metadata_are_not_guessed_between(iceberg):
    newest = older(iceberg)[-1]
    newest.with_name(f"{newest.name[:5]}-other.metadata.json").write_bytes(newest.read_bytes())
    assert "has 2 newest files of metadata: give the one that the catalog" in said(root_of(iceberg))
    assert spent(newest) == EXPECTED


def test_position_deletes_are_applied(iceberg):
    first = next(file for file in data_files(iceberg) if pl.read_parquet(file).height == 4)
    with_deletes(iceberg, [position_deletes(iceberg, {first: [2, 3]})])
    assert spent(root_of(iceberg)) == WITHOUT_2_AND_3


def test_position_deletes_of_several_files_are_applied(iceberg):
    files = {pl.read_parquet(file).height: file for file in data_files(iceberg)}
    with_deletes(iceberg, [position_deletes(iceberg, {files[4]: [2, 3], files[2]: [0]})])
    assert spent(root_of(iceberg)) == {k: v for k, v in WITHOUT_2_AND_3.items() if k != "c4"}


def test_deletion_vectors_of_iceberg_are_applied(iceberg):
    first = next(file for file in data_files(iceberg) if pl.read_parquet(file).height == 4)
    path = with_deletes(iceberg, [deletion_vector(iceberg, first, [2, 3])])
    metadata = json.loads(path.read_text())
    path.write_text(json.dumps(metadata | {"format-version": 3, "next-row-id": 6}))
    assert spent(root_of(iceberg)) == WITHOUT_2_AND_3


def test_equality_deletes_are_refused(iceberg):
    deleted = equality_deletes(iceberg, pl.DataFrame({"client_id": ["c2"]}))
    with_deletes(iceberg, [deleted])
    assert "is an Iceberg table with equality deletes, which cannot be read: compact it" in said(
        root_of(iceberg)
    )


def test_renamed_columns_of_an_iceberg_table_are_found(iceberg):
    with iceberg.update_schema() as change:
        change.rename_column("amount", "paid")
    assert spent(root_of(iceberg), amount="paid") == EXPECTED


def test_an_iceberg_table_may_be_empty(tmp_path):
    assert spent(root_of(iceberg_table(tmp_path, [sales().clear()]))) == {}


def test_a_broken_iceberg_table_is_one_sentence(iceberg):
    older(iceberg)[-1].write_text("{}")
    assert f"{root_of(iceberg)} cannot be read as an Iceberg table: " in said(root_of(iceberg))
    assert "cannot be read as an Iceberg table: " in said(root_of(iceberg) / "metadata" / NO_FILE)


def test_metadata_is_that_of_a_table_in_its_folder_alone(tmp_path, iceberg, monkeypatch):
    sales().write_json(tmp_path / "sales.metadata.json")
    assert spent(tmp_path / "sales.metadata.json") == EXPECTED
    monkeypatch.chdir(root_of(iceberg) / "metadata")
    assert spent(older(iceberg)[-1].name) == EXPECTED


# -- never as plain files -------------------------------------------------------------------------


@pytest.fixture(params=["Delta", "Iceberg"])
def lake(request, tmp_path, monkeypatch) -> tuple[str, Path]:
    """A table in a folder `lake`, with a plain file and a plain folder beside it."""
    monkeypatch.chdir(tmp_path)
    if request.param == "Delta":
        root = tmp_path / "lake" / "sales"
        root.parent.mkdir()
        frame = sales().with_columns(shop=pl.lit("x"))
        deltalake.write_deltalake(root, frame.to_arrow(), partition_by=["shop"])
    else:
        (tmp_path / "lake").mkdir()
        root = root_of(iceberg_table(tmp_path / "lake", [sales()]))
    (tmp_path / "lake" / "plain").mkdir()
    for number in range(2):
        sales(number, 1).write_parquet(tmp_path / "lake" / "plain" / f"{number}.parquet")
    return request.param, root


def test_files_of_a_table_are_never_read_as_a_folder(lake, tmp_path):
    kind, root = lake
    inside = next(root.rglob("*.parquet")).parent
    article = {"Delta": "a", "Iceberg": "an"}[kind]
    for source in (
        tmp_path / "lake",  # a folder that holds one
        "lake",
        inside,  # a folder in it
        f"{inside}/*.parquet",
        f"{root}/**/*.parquet",
        "lake/**/*.parquet",
        [str(file) for file in root.rglob("*.parquet")] + ["lake/plain/0.parquet"],
    ):
        sentence = said(source)
        assert f"takes in files of {article} {kind} table" in sentence
        assert f"give the table itself, {root}" in sentence
    assert f"is {article} {kind} table, and other sources are given beside it" in said(
        [str(root), "lake/plain/0.parquet"]
    )
    assert set(spent("lake/plain")) == set(spent("lake/plain/*")) == {"c0", "c1"}


def test_a_link_to_a_table_is_the_table(lake, tmp_path):
    _, root = lake
    (tmp_path / "link").symlink_to(root)
    assert spent("link") == EXPECTED
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.parquet").symlink_to(next(root.rglob("*.parquet")))
    assert "takes in files of" in said("folder")


def test_one_file_of_a_table_is_read_with_a_note(lake):
    kind, root = lake
    file = str(next(root.rglob("*.parquet")))
    assert spent(file) == EXPECTED
    assert any(f"{kind} table {root}, and is read as it is" in note for note in notes(file))


def test_a_hudi_table_is_refused(tmp_path):
    (tmp_path / ".hoodie").mkdir()
    sales().write_parquet(tmp_path / "a.parquet")
    assert "is a Hudi table, which cannot be read" in said(tmp_path)
    assert "takes in files of a Hudi table" in said(f"{tmp_path}/*.parquet")


# -- object stores --------------------------------------------------------------------------------


def written(method: str, frame: pl.DataFrame | None = None, **options) -> bytes:
    data = BytesIO()
    getattr(sales() if frame is None else frame, method)(data, **options)
    return data.getvalue()


def in_a_zip(data: bytes) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("sales.csv", data)
    return packed.getvalue()


FRENCH = "client_id;date;amount\n" + "".join(
    f"{'é' * (number == 9)}c{number};01/01/2026;{number},0\n" for number in range(6)
)
FILES = {
    "sales.parquet": lambda: written("write_parquet"),
    "sales.csv": lambda: written("write_csv"),
    "french.csv": lambda: FRENCH.encode("cp1252"),
    "utf-16.csv": lambda: sales().write_csv().encode("utf-16"),
    "sales.csv.gz": lambda: gzip.compress(written("write_csv")),
    "sales.csv.zst": lambda: zstd.compress(written("write_csv")),
    "sales.csv.zip": lambda: in_a_zip(written("write_csv")),
    "sales.zip": lambda: in_a_zip(written("write_csv")),
    "sales.ndjson": lambda: written("write_ndjson"),
    "sales.ndjson.gz": lambda: gzip.compress(written("write_ndjson")),
    "sales.json": lambda: written("write_json"),
    "sales.arrow": lambda: written("write_ipc"),
    "stream.arrow": lambda: written("write_ipc_stream"),
    "sales.xlsx": lambda: written("write_excel"),
    "a folder/é#1 100%.parquet": lambda: written("write_parquet"),
    "a folder/é?1 [x]+%20.csv": lambda: written("write_csv"),
    "a folder/[x].ndjson": lambda: written("write_ndjson"),
    "a folder/[x].arrow": lambda: written("write_ipc"),
}


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_read_from_an_object_store(store, name):
    reading = {"date_format": "dmy"} if name == "french.csv" else {}
    assert spent(store.put(name, FILES[name]()), **reading) == EXPECTED


def test_cp1252_is_read_from_an_object_store(store):
    text = "client_id;date;amount\nAndré;2026-01-01;2,50\n"
    assert spent(store.put("sales.csv", text.encode("cp1252"))) == {"André": 2.5}


@pytest.mark.parametrize("form", ["csv", "parquet", "ndjson", "arrow"])
def test_a_folder_or_a_glob_of_an_object_store_is_every_file_in_it(store, form):
    method = {"arrow": "write_ipc"}.get(form, f"write_{form}")
    store.put(f"sales/0.{form}", written(method, sales(0, 2)))
    store.put(f"sales/2026/11/1.{form}", written(method, sales(2, 4)))
    store.put("sales/_SUCCESS", b"")
    store.put(f"sales/.hidden.{form}", b"")
    store.put("sales2/other.csv", b"x")
    for source in ("sales", "sales/", f"sales/**/*.{form}"):
        assert spent(f"s3://{BUCKET}/{source}") == EXPECTED
    assert set(spent(f"s3://{BUCKET}/sales/*.{form}")) == {"c0", "c1"}
    both = [f"s3://{BUCKET}/sales/0.{form}", f"s3://{BUCKET}/sales/2026"]
    assert spent(both) == EXPECTED


def test_a_folder_named_like_a_file_is_a_folder(store):
    for number in range(2):
        frame = sales(3 * number, 3)
        store.put(f"sales.parquet/part-{number}.parquet", written("write_parquet", frame))
    assert spent(f"s3://{BUCKET}/sales.parquet") == EXPECTED


def test_hive_keys_of_an_object_store_are_columns(store):
    for number in range(2):
        frame = sales(3 * number, 3)
        store.put(f"sales/shop={number}/a.parquet", written("write_parquet", frame))
    assert spent(f"s3://{BUCKET}/sales", where="shop = 1") == {f"c{n}": float(n) for n in (3, 4, 5)}


def test_a_delta_table_of_an_object_store_is_a_table(store, delta):
    url = store.put_folder(delta, "lake/sales")
    assert spent(url) == spent(f"{url}/") == EXPECTED
    for source in ("lake", "lake/*/*.parquet", "lake/sales/*.parquet", "lake/sales/_delta_log"):
        sentence = said(f"s3://{BUCKET}/{source}")
        assert "takes in files of a Delta table" in sentence
        assert f"give the table itself, {url}" in sentence


def test_an_iceberg_table_of_an_object_store_is_a_table(store):
    from pyiceberg.catalog.memory import InMemoryCatalog

    catalog = InMemoryCatalog(
        "tests",
        **{
            "warehouse": f"s3://{BUCKET}/lake",
            "s3.endpoint": store.endpoint,
            "s3.region": "us-east-1",
        },
    )
    catalog.create_namespace("shop")
    table = catalog.create_table("shop.sales", schema=sales().to_arrow().schema)
    table.append(sales().to_arrow())
    assert spent(table.location()) == spent(table.metadata_location) == EXPECTED
    for source in ("lake", f"{table.location().partition(BUCKET + '/')[2]}/data"):
        sentence = said(f"s3://{BUCKET}/{source}")
        assert "takes in files of an Iceberg table" in sentence
        assert f"give the table itself, {table.location()}" in sentence


@pytest.mark.parametrize("name", ["no.parquet", "no.csv", "no.csv.gz", "no.ndjson", "no"])
def test_what_an_object_store_lacks_is_one_sentence(store, name):
    store.put("yes.csv", b"")
    assert said(f"s3://{BUCKET}/{name}").startswith(f"there is no file s3://{BUCKET}/{name}")
    sentence = said(f"s3://no-such-bucket/{name}")
    assert sentence.endswith("cannot be read: there is no bucket s3://no-such-bucket")
    assert f"no file matches s3://{BUCKET}/n*/{name}" in said(f"s3://{BUCKET}/n*/{name}")
    assert "names no bucket" in said("s3:///sales.csv")


@pytest.mark.parametrize("name", ["sales.parquet", "french.csv", "sales"])
def test_google_cloud_storage_is_read(store, monkeypatch, tmp_path, name):
    """The server of the tests speaks as Google's does too, but for who may ask."""
    account = {
        "gcs_base_url": store.endpoint,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(tmp_path / "account.json"))
    key = "sales/1.parquet" if name == "sales" else name
    url = store.put(key, FILES.get(name, FILES["sales.parquet"])()).replace("s3://", "gs://")
    store.client.put_object_acl(Bucket=BUCKET, Key=key, ACL="public-read")
    assert spent(url.removesuffix("/1.parquet"), date_format="dmy") == EXPECTED
    assert said(f"gs://{BUCKET}/no.csv").startswith(f"there is no file gs://{BUCKET}/no.csv")


def test_an_empty_file_of_an_object_store_is_one_sentence(store):
    for name in ("empty.csv", "empty.parquet", "empty.ndjson", "empty.json", "empty.xlsx"):
        sentence = said(store.put(name, b""))
        assert f"s3://{BUCKET}/{name}" in sentence


def test_a_fault_in_a_copy_names_the_url(store):
    assert f"s3://{BUCKET}/bad.json" in said(store.put("bad.json", b"[{]"))
    packed = gzip.compress(b'{"client_id": 1, "date": "2026-01-01", "amount": "x"}\n')
    assert f"s3://{BUCKET}/bad.ndjson.gz" in said(store.put("bad.ndjson.gz", packed))
    assert f"s3://{BUCKET}/cut.csv.gz cannot be unpacked" in said(
        store.put("cut.csv.gz", gzip.compress(written("write_csv"))[:-9])
    )


def listing(keys) -> str:
    found = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        f'<ETag>"0"</ETag><Size>9</Size></Contents>'
        for key in keys
    )
    return f"<ListBucketResult>{found}<IsTruncated>false</IsTruncated></ListBucketResult>"


@contextmanager
def answering(status: int, body: str, *listed: str):
    """A store that answers everything in one way, or never where the status is 0.

    Where keys are given, it lists them all the same.
    """

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            if status == 0:
                ended.wait(60)
                return
            address = urlsplit(self.path)
            question = parse_qs(address.query)
            folder = question.get("prefix", [""])[0]
            keys = [key for key in listed if "list-type" in question and key.startswith(folder)]
            lists = bool(listed) and "list-type" in question
            is_there = not listed or unquote(address.path).removeprefix(f"/{BUCKET}/") in listed
            self.send_response(200 if lists else status if is_there else 404)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write((listing(keys) if lists else body).encode())

        do_HEAD = do_PUT = do_GET  # noqa: N815 (names of the base class)

        def log_message(self, *_):
            pass

    ended = threading.Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            ended.set()
            server.shutdown()


REFUSED = (
    "<Error><Code>InvalidAccessKeyId</Code><Message>The key does not exist.</Message>"
    f"<AWSAccessKeyId>{KEY}</AWSAccessKeyId></Error>"
)
NAMES = ["sales.parquet", "sales.csv", "sales.csv.gz", "sales.ndjson", "sales", "s*.csv"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://nowhere.invalid"])
def test_an_unreachable_store_is_one_sentence_soon(store, monkeypatch, name, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    start = time.monotonic()
    sentence = said(f"s3://{BUCKET}/{name}")
    assert sentence.endswith("cannot be reached: check the network and the endpoint of the store")
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("name", NAMES)
def test_refused_credentials_are_one_sentence_without_them(store, monkeypatch, name):
    with answering(403, REFUSED) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        sentence = said(f"s3://{BUCKET}/{name}")
    assert "cannot be read: the store refuses the credentials" in sentence
    assert KEY not in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize(
    "key",
    [
        "sales/a.parquet",
        "sales/a.csv",
        "sales/a.ndjson",
        f"sales/_delta_log/{0:020}.json",
        f"sales/metadata/{NO_FILE}",
    ],
)
def test_files_that_may_be_listed_but_not_read_are_one_sentence(store, monkeypatch, key):
    with answering(403, REFUSED, key) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        sentence = said(f"s3://{BUCKET}/sales")
    assert "cannot be read: the store refuses the credentials" in sentence
    assert KEY not in sentence


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (503, "cannot be read: the store answers 503 Service Unavailable"),
        (0, "cannot be reached: check the"),
    ],
)
def test_a_store_that_does_not_answer_is_given_up_soon(store, monkeypatch, status, sentence):
    start = time.monotonic()
    with answering(status, "<Error><Code>SlowDown</Code></Error>") as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert sentence in said(f"s3://{BUCKET}/sales.csv")
    assert time.monotonic() - start < 25


def test_without_credentials_the_sentence_says_so(store, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    # Where a machine of the cloud would ask for its credentials.
    with answering(404, "") as endpoint:
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", endpoint)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        sentence = said(f"s3://{BUCKET}/sales.csv")
    assert "cannot be read: no credentials of the store are found in the environment" in sentence


def test_a_profile_of_aws_will_do(store, monkeypatch, tmp_path, delta):
    urls = [
        store.put("sales.parquet", written("write_parquet")),
        store.put("sales.csv", written("write_csv")),
        store.put_folder(delta, "lake/sales"),
    ]
    credentials = tmp_path / "credentials"
    credentials.write_text(f"[shop]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(credentials))
    monkeypatch.setenv("AWS_PROFILE", "shop")
    for url in urls:
        assert spent(url) == EXPECTED


@pytest.fixture
def lakes(delta, tmp_path):
    """A source for each extra."""
    return {
        "cloud": f"s3://{BUCKET}/sales.csv",
        "delta": delta,
        "iceberg": root_of(iceberg_table(tmp_path, [sales()])),
    }


@pytest.mark.parametrize(
    ("extra", "module", "what"),
    [
        ("cloud", "obstore.store", "reading an object store"),
        ("delta", "deltalake", "reading a Delta table"),
        ("iceberg", "pyiceberg.table", "reading an Iceberg table"),
    ],
)
def test_a_missing_extra_is_named(lakes, monkeypatch, extra, module, what):
    monkeypatch.setitem(sys.modules, module, None)
    sentence = f'{what} needs the extra "{extra}": run pip install "grc-fast[{extra}]"'
    assert sentence in said(lakes[extra])
