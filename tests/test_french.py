"""With `--lang fr` a reader meets French alone: what a command says is in both languages."""

import ast
import copy
import pickle
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import polars as pl
import pytest

import grc_fast as grc
from grc_fast.cli import main
from grc_fast.labels.catalogue import LANGUAGES, _catalogue, text
from grc_fast.labels.filling import Wording
from grc_fast.labels.phrases import Phrase, Phrases, first_of

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "grc_fast"
EXAMPLES = ROOT / "docs" / "examples"
# What is said to developers who compare engines, in English.
FOR_DEVELOPERS = {"bench.py"}
# What prints, and takes its text from the catalogue.
PRINTING = {"note", "notes", "warnings", "account", "show_lines", "show_text"}

# Words of English that no French sentence has; names of columns, options and values stay English.
ENGLISH = frozenset(
    """
    the and of with without from which are is was were has have not than that this each every row
    rows read used money sales orders purchases share scored group band bands nobody nothing
    expected low high by lines warning written kept found
    """.split()  # noqa: SIM905 (a list of words reads better in lines)
)
COMMANDS = [
    "score sales.csv -o s.parquet --order ticket_id --as-of 2026-11-01 --model-out rfm.json",
    "score sales.csv -o n.parquet --order ticket_id --model-in rfm.json --clients clients.csv",
    "explain sales.csv --id 104 --order ticket_id --as-of 2026-11-01",
    "explain sales.csv --id 112 --order ticket_id --as-of 2026-11-01 --clients clients.csv",
    "behaviour events.csv --rules rules.toml -o b.parquet --ledger l.csv",
    "explain events.csv --rules rules.toml --as-of 2025-03-31 --id 103",
    "value sold.parquet -o v.parquet --as-of 2025-12-31",
    "value sold.parquet -o v.parquet --as-of 2025-12-31 --holdout 6mo --model auto",
    "response s.parquet campaign.csv -o r.csv --cost 0.5 --margin 0.3",
    "combine s.parquet b.parquet -o c.parquet",
    "segment s.parquet --rules segments.toml -o g.parquet",
    "crosstab s.parquet --rows segment --columns r -o x.csv --min-cell 0",
    "crosstab s.parquet --rows segment --columns r -o x.csv",
    "compare s.parquet n.parquet -o m.csv",
    "catchment homes.csv --stores stores.csv --postcodes postcodes.csv -o h.parquet",
    "profile sales.csv --events events.csv -o p.parquet",
    "plan offers.csv -o plan.parquet --budget 5 --policy none --sweep budget=1:5:3",
    "lists plan.parquet --clients base.csv --out lists",
    "sheet sales.csv --id 104 --order ticket_id --as-of 2026-11-01",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of what the commands read."""
    directory = tmp_path_factory.mktemp("french")
    shutil.copytree(EXAMPLES, directory, dirs_exist_ok=True)
    grc.simulate_sales(4_000, 300, seed=7).write_parquet(directory / "sold.parquet")
    ids = [101, 102, 103, 104]
    pl.DataFrame(
        {
            "client_id": ids,
            "campaign": ["spring"] * 4,
            "contacted_on": ["2026-11-02"] * 4,
            "responded": [1, 0, 0, 1],
        }
    ).write_csv(directory / "campaign.csv")
    pl.DataFrame(
        {"client_id": ids, "channel": ["email", "phone"] * 2, "gain": 3.0, "cost": [0.5, 4.0] * 2}
    ).write_csv(directory / "offers.csv")
    pl.DataFrame({"client_id": ids, "email": [f"c{i}@example.com" for i in ids]}).write_csv(
        directory / "base.csv"
    )
    (directory / "segments.toml").write_text(
        '[[segment]]\nname = "big"\nwhere = "monetary > 1e9"\nlabels.fr = "gros"\n'
        '[[segment]]\nname = "rest"\nlabels.fr = "autres"\n'
    )
    return directory


@pytest.fixture(scope="module")
def told(folder: Path) -> dict[str, str]:
    """Run every command in French, and return all that each prints."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for command in COMMANDS:
            printed = StringIO()
            with redirect_stdout(printed), redirect_stderr(printed):
                code = main([*command.split(), "--lang", "fr"])
            assert code == 0, printed.getvalue()
            found[command] = printed.getvalue()
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_french_says_no_english_word(command: str, told: dict[str, str]) -> None:
    # What is quoted is the user's own, and options and names of columns stay as they are.
    plain = re.sub(r"'[^'\s]*'|\"[^\"]*\"|\([^)]*\)|--[\w-]+|\w+[_=.]\w+", " ", told[command])

    english = {word for word in re.findall(r"[^\W\d_]+'?", plain) if word.lower() in ENGLISH}

    assert not english, told[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_french_says_no_phrase_of_the_english_catalogue(
    command: str, told: dict[str, str]
) -> None:
    lines = told[command].splitlines()
    for key, words in _catalogue().items():
        plain = "{" not in words["en"] and " " in words["en"] and words["en"] != words["fr"]
        if plain:
            assert not any(words["en"] in line for line in lines), key


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_in_french_writes_numbers_and_days_in_french(
    command: str, told: dict[str, str]
) -> None:
    quoted = re.sub(r"'[^'\s]*'|\"[^\"]*\"|\([^)]*\)|\w+=[\w.]+|[\w-]+\.\w+", " ", told[command])

    assert not re.search(r"\d\.\d|\d,\d{3}\b(?!\d)\.|\b20\d\d-\d\d-\d\d", quoted), told[command]


def test_commands_print_what_the_catalogue_says() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        if path.name in FOR_DEVELOPERS:
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in PRINTING:
                words = [words_of(argument) for argument in call.args]
                assert not any(words), f"{path.name}:{call.lineno}"


def test_what_is_noted_or_warned_of_is_made_of_phrases() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name in FOR_DEVELOPERS or path.parent.name == "bench":
            continue
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                kept = getattr(call.func.value, "id", "")
                if call.func.attr in {"append", "extend"} and kept in {"notes", "warnings"}:
                    assert not any(map(words_of, call.args)), f"{path}:{call.lineno}"


def words_of(argument: ast.expr) -> bool:
    """Tell whether an argument is a text with words of its own."""
    if isinstance(argument, ast.List | ast.Tuple):
        return any(map(words_of, argument.elts))
    parts = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
    return any(
        isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and bool(re.search(r"[a-z]", part.value))
        for part in parts
    )


def test_every_phrase_that_the_package_names_is_in_the_catalogue() -> None:
    for path in PACKAGE.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in {"Phrase", "text"}:
                key = call.args[0] if call.args else None
                if isinstance(key, ast.Constant) and "." in str(key.value):
                    assert key.value in _catalogue(), f"{path}:{call.lineno}"


def test_a_phrase_is_english_text_that_can_be_said_in_french() -> None:
    inner = Phrases([Phrase("criterion.recency"), 1234, 2.5], last="list.or")
    phrase = Phrase("message.note", said=inner)

    assert phrase == "note: recency, 1,234 or 2.5"
    assert phrase.said("fr") == "remarque : récence, 1\u202f234 ou 2,5"
    for same in (pickle.loads(pickle.dumps(phrase)), copy.deepcopy(phrase)):
        assert same == phrase
        assert same.said("fr") == phrase.said("fr")


def test_a_number_chooses_between_words_as_its_language_does() -> None:
    told = [text("account.scored", lang, clients=n) for lang in LANGUAGES for n in (0, 1, 2)]

    assert told[:3] == ["0 clients scored", "1 client scored", "2 clients scored"]
    assert told[3:] == ["0 client noté", "1 client noté", "2 clients notés"]


def test_a_long_list_names_the_first_alone() -> None:
    named = first_of(list("abcde"), 3)

    assert isinstance(named, Wording)
    assert named == "a, b, c and 2 more"
    assert named.said("fr") == "a, b, c et 2 autres"


@pytest.mark.parametrize("options", [["c.xlsx"], ["c.csv", "--csv-style", "excel-fr"]])
def test_statuses_and_phases_are_words_in_what_people_open(
    options: list[str], folder: Path, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told
    monkeypatch.chdir(folder)
    path = options[0]
    score = "score sales.csv --clients clients.csv --order ticket_id --as-of 2026-11-01 -q -o"
    assert main([*score.split(), *options, "--lang", "fr"]) == 0

    shown = "".join(map(str, pl.read_excel(path).rows())) if path.endswith("x") else None
    shown = shown or Path(path).read_text("utf-8-sig")
    assert "jamais acheté" in shown
    assert "never_bought" not in shown


def test_words_that_are_written_for_people_are_read_as_codes(
    folder: Path, told: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told
    monkeypatch.chdir(folder)
    score = ["score", "sales.csv", "--clients", "clients.csv", "--as-of", "2026-11-01"]
    act = ["behaviour", "events.csv", "--rules", "rules.toml"]
    for end in ("csv", "parquet"):
        french = ["--lang", "fr", "-q", "--csv-style", "excel-fr"]
        assert main([*score, "-o", f"w.{end}", *french]) == 0
        assert main([*act, "-o", f"i.{end}", *french]) == 0
        assert main(["combine", f"w.{end}", f"i.{end}", "-o", f"from-{end}.parquet", "-q"]) == 0

    words, codes = (
        pl.read_parquet(f"from-{end}.parquet").select("action", "status", "phase")
        for end in ("csv", "parquet")
    )
    assert words.cast(pl.String).equals(codes.cast(pl.String))
