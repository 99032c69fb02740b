"""`grc-fast plan`: offers in files, the plan and everything beside it in files."""

import json
from pathlib import Path

import polars as pl
import pytest

from grc_fast.cli import main
from test_plan import offers_of

RUN = ("plan", "offers.csv", "-o", "plan.csv", "--policy", "none")


@pytest.fixture
def grc(tmp_path, monkeypatch, capfd):
    """Run the command line in a directory with offers."""
    monkeypatch.chdir(tmp_path)
    offers_of(3, 400).write_csv("offers.csv")

    def run(*arguments):
        capfd.readouterr()
        code = main(arguments)
        shown = capfd.readouterr()
        return code, shown.out, shown.err

    return run


def test_a_plan_its_certificate_and_every_offer_are_written(grc):
    code, out, err = grc(
        *RUN, "--budget", "60", "--capacity", "phone=9,email=100", "--capacity", "visit=1",
        "--max-contacts", "1", "--certificate", "plan.json", "--offers-out", "offers.parquet",
    )  # fmt: skip
    assert code == 0, err
    plan, offers = pl.read_csv("plan.csv"), pl.read_parquet("offers.parquet")
    certificate = json.loads(Path("plan.json").read_text("utf-8"))
    assert plan["cost"].sum() <= 60
    assert certificate["contacts"]["phone"] <= 9
    assert certificate["value"] == pytest.approx((plan["gain"] - plan["cost"]).sum())
    assert sum(certificate["reasons"].values()) == offers["client_id"].n_unique()
    assert offers["chosen"].sum() == plan.height
    assert out.splitlines()[0].split()[:5] == ["channel", "contacts", "gain", "cost", "one"]
    assert "no plan is worth more than" in err


def test_offers_in_several_files_give_the_same_plan(grc):
    offers = pl.read_csv("offers.csv")
    assert grc(*RUN, "--budget", "60")[0] == 0
    offers.head(700).write_csv("a.csv")
    offers.tail(offers.height - 700).write_csv("b.csv")
    options = ("-o", "parts.csv", "--policy", "none", "--budget", "60")
    assert grc("plan", "b.csv", "a.csv", *options)[0] == 0
    assert Path("plan.csv").read_bytes() == Path("parts.csv").read_bytes()


def test_a_sweep_is_a_table_and_json_and_its_value_never_falls(grc):
    code, out, err = grc(
        *RUN, "--sweep", "budget=0:200:6", "--sweep-out", "sweep.csv", "--sweep-out", "sweep.json"
    )
    assert code == 0, err
    sweep = pl.read_csv("sweep.csv")
    assert sweep["budget"].to_list() == [0, 40, 80, 120, 160, 200]
    assert sweep["value"].is_sorted()
    assert (sweep["cost"] <= sweep["budget"]).all()
    written = json.loads(Path("sweep.json").read_text("utf-8"))
    assert [row["value"] for row in written["sweep"]] == sweep["value"].to_list()
    for budget, value, gap in sweep.select("budget", "value", "gap").rows():
        assert grc(*RUN, "--budget", str(budget), "--certificate", "one.json", "-q")[0] == 0
        alone = json.loads(Path("one.json").read_text("utf-8"))
        assert value == pytest.approx(alone["value"], rel=gap + alone["gap"] + 1e-9, abs=1e-6)
    assert "one more of budget earns" in out


def test_without_a_word_on_consent_nobody_is_contacted_who_must_have_agreed(grc):
    code, _, err = grc("plan", "offers.csv", "-o", "plan.csv", "--budget", "60")
    assert code == 0, err
    assert "email needs a consent and there is no table of consents" in err
    assert pl.read_csv("plan.csv").is_empty()


def test_consents_suppression_and_past_contacts_are_read_from_files(grc):
    pl.DataFrame(
        {
            "client_id": [1, 2, 3],
            "channel": ["email"] * 3,
            "status": ["granted"] * 3,
            "collected_at": ["2026-10-01"] * 3,
        }
    ).write_csv("consent.csv")
    pl.DataFrame({"client_id": [2]}).write_csv("no.csv")
    code, _, err = grc(
        "plan", "offers.csv", "-o", "plan.csv", "--consent", "consent.csv", "--suppress", "no.csv",
        "--as-of", "2026-12-01",
    )  # fmt: skip
    assert code == 0, err
    assert set(pl.read_csv("plan.csv")["client_id"]) <= {1, 3}
    assert set(pl.read_csv("plan.csv")["channel"]) <= {"email"}


def test_a_suppression_list_may_have_addresses_alone(grc):
    offers = pl.read_csv("offers.csv").filter(channel="phone")
    numbers = "06000" + offers["client_id"].cast(pl.String).str.zfill(5)
    offers.with_columns(numbers.alias("phone")).write_csv("offers.csv")
    pl.DataFrame({"phone": numbers.head(200)}).write_csv("no.csv")
    assert grc(*RUN, "--suppress", "no.csv")[0] == 0
    listed = offers["client_id"].head(200)
    plan = pl.read_csv("plan.csv")
    assert plan.height > 0
    assert not plan["client_id"].is_in(listed.implode()).any()


def test_signs_of_life_are_read_from_a_file(grc):
    offers = pl.read_csv("offers.csv").with_columns(channel=pl.lit("post")).unique("client_id")
    offers.write_csv("offers.csv")
    pl.DataFrame(
        {"client_id": [1, 2, 3], "last_seen": ["2023-12-01", "2023-12-02", "2026-06-01"]}
    ).write_csv("seen.csv")
    code, _, err = grc(
        "plan", "offers.csv", "-o", "plan.csv", "--last-seen", "seen.csv", "--as-of", "2026-12-01",
        "--minimum", "post=2",
    )  # fmt: skip
    assert code == 0, err
    assert pl.read_csv("plan.csv")["client_id"].to_list() == [2, 3]


def test_zones_are_read_from_a_file_without_clients(grc):
    Path("zones.csv").write_text("zone,channel,gain,cost\n75,posters,90,30\n01,posters,9,30\n")
    code, _, err = grc("plan", "zones.csv", "-o", "plan.csv", "--certificate", "plan.json")
    assert code == 0, err
    assert pl.read_csv("plan.csv", infer_schema=False)["zone"].to_list() == ["75"]
    reasons = json.loads(Path("plan.json").read_text("utf-8"))["reasons"]
    assert (reasons["chosen"], reasons["not_worth_it"]) == (1, 1)


def test_a_table_without_rows_has_a_plan_without_rows(grc):
    pl.read_csv("offers.csv").clear().write_csv("offers.csv")
    code, _, err = grc(*RUN, "--budget", "60", "--certificate", "plan.json")
    assert code == 0, err
    assert pl.read_csv("plan.csv").is_empty()
    assert json.loads(Path("plan.json").read_text("utf-8"))["gap"] == 0


def test_a_control_group_is_drawn_once_and_stays(grc):
    draw = ("--control", "control.csv", "--control-share", "0.1", "--salt", "spring")
    assert grc(*RUN, *draw)[0] == 0
    first = Path("control.csv").read_bytes()
    control = pl.read_csv("control.csv")
    clients = pl.read_csv("offers.csv")["client_id"].n_unique()
    assert control["control"].sum() == round(clients / 10)
    held = control.filter("control")["client_id"]
    assert not pl.read_csv("plan.csv")["client_id"].is_in(held.implode()).any()
    assert (
        grc(*RUN, "--control", "control.csv", "--control-share", "0.5", "--salt", "autumn")[0] == 0
    )
    assert Path("control.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--capacity", "phone"), "--capacity 'phone' is not understood"),
        (("--capacity", "phone=-1"), "--capacity 'phone=-1' is not understood"),
        (("--minimum", "phone=1,phone=2"), "names 'phone' twice"),
        (("--minimum", "phone=99999"), "the minimum of phone"),
        (("--sweep", "budget=5:1:3"), "--sweep 'budget=5:1:3' is not understood"),
        (("--sweep", "phone=1:5:3"), "is not understood"),
        (("--sweep", "budget=-1:5:3"), "budget must be"),
        (("--sweep-out", "sweep.csv"), "add --sweep"),
        (("--budget", "-5"), "budget must be"),
        (("--max-contacts", "0"), "max_contacts must be"),
        (("--control-share", "0.1"), "--control-share needs --control"),
        (("--salt", "x"), "--salt goes with --control-share"),
        (("--control", "c.csv", "--control-share", "2", "--salt", "x"), "control_share must be"),
        (("--certificate", "./plan.csv"), "same output file"),
        (("--consent", "absent.csv"), "absent.csv"),
    ],
)
def test_what_cannot_be_planned_is_one_sentence_and_nothing_is_written(
    grc, tmp_path, options, said
):
    code, out, err = grc(*RUN, *options)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["offers.csv"]


HEADER = "client_id,channel,gain,cost"


@pytest.mark.parametrize(
    ("offers", "said"),
    [
        (f"{HEADER}\n1,email,much,1\n", "'gain'"),
        (f"{HEADER}\n1,email,2,-1\n", "below 0, such as -1 of client '1'"),
        (f"{HEADER}\n1,email,2e12,1\n", "from -10^12 to 10^12"),
        (f"{HEADER}\n1,email,2,\n", "1 rows without 'cost', the first in row 1"),
        (f"{HEADER}\n1,email,2,1\n2,,2,1\n", "without 'channel', the first in row 2"),
        (f"{HEADER}\n,email,2,1\n", "without 'client_id'"),
        (f"{HEADER},household\n1,a,2,1,x\n1,b,2,1,y\n", "several households"),
        (f"{HEADER},pressure_cost\n1,a,2,1,-3\n", "'pressure_cost' below 0"),
        ("client_id,channel,gains,cost\n1,email,2,1\n", "no column 'gain' (did you mean 'gains'?)"),
        ("client,channel,gain,cost\n1,email,2,1\n", "'client_id'"),
        ("", "offers.csv"),
        (HEADER + "".join(f"\n1,c{n},2,1" for n in range(256)), "takes up to 255"),
    ],
)
def test_what_is_no_table_of_offers_is_one_sentence_and_nothing_is_written(
    grc, tmp_path, offers, said
):
    Path("offers.csv").write_text(offers, "utf-8")
    code, out, err = grc(*RUN, "--certificate", "plan.json")
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["offers.csv"]


@pytest.mark.parametrize(
    ("option", "table", "said"),
    [
        ("--consent", "client_id,channel\n1,email\n", "no column 'status'"),
        ("--consent", "client_id,channel,status\n1,email,yes\n", "status 'yes'"),
        ("--consent", "client_id,channel,status,scope\n1,email,denied,all\n", "scope 'all'"),
        ("--consent", "client_id,channel,status,collected_at\n1,a,granted,soon\n", "collected_at"),
        ("--suppress", "name\nx\n", "has no column 'client_id'"),
        ("--suppress", "email\na@b.fr\n", "add it, so that nobody on the list is missed"),
        ("--contacts", "client_id,channel\n1,email\n", "no column 'contacted_on'"),
        ("--control", "client_id,control\n1,perhaps\n", "'perhaps' in 'control'"),
        ("--last-seen", "client_id,seen\n1,2026-01-01\n", "no column 'last_seen'"),
        ("--last-seen", "client_id,last_seen\n1,lately\n", "last_seen"),
        ("--policy", 'name = "x"\n[retention]\nsilence = "3h"\n', "in days"),
        ("--policy", 'name = "x"\n[[pressure]]\nwindow = "3d"\ncost_each = -1\n', "not be below 0"),
        ("--policy", "name =", "not TOML"),
    ],
)
def test_what_is_no_table_of_permissions_is_one_sentence_and_nothing_is_written(
    grc, tmp_path, option, table, said
):
    Path("table.csv").write_text(table, "utf-8")
    options = ("--as-of", "2026-12-01", option, "table.csv")
    code, out, err = grc("plan", "offers.csv", "-o", "plan.csv", *options)
    assert (code, out) == (1, "")
    assert said in err
    assert err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"offers.csv", "table.csv"}
