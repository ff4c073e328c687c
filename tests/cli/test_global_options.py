"""Global options count before and after the command, and choose the zone in which people read and type times."""

from pathlib import Path

import pytest
from conftest import Slactl
from freezegun import freeze_time

from slactl import display_zone
from slactl.clock import from_text, to_text

#: An hour before clocks in Europe and in New York show the same date.
NOW = "2026-03-02T09:00:00Z"


@pytest.fixture
def elsewhere(desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slactl: Slactl) -> Path:
    """A desk with one ticket that only `--db` finds."""
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    monkeypatch.setenv("SLACTL_DB", str(tmp_path / "missing.db"))
    return desk


@pytest.mark.parametrize(
    "words",
    [
        ("--db", "DB", "list", "-q"),
        ("list", "--db", "DB", "-q"),
        ("list", "-q", "--db=DB"),
        ("--db", "/nowhere.db", "list", "--db", "DB", "-q"),
        ("audit", "list", "--db", "DB", "-q", "--action", "ticket.create"),
        ("audit", "--db", "DB", "list", "-q", "--action", "ticket.create"),
        ("show", "1", "--db", "DB", "-q"),
    ],
)
def test_database_is_named_before_or_after_the_command(elsewhere: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    assert slactl("list", "-q").code == 6
    found = slactl(*(word.replace("DB", str(elsewhere)) if "DB" in word else word for word in words))
    assert (found.code, found.out, found.err) == (0, "1\n", "")


def test_rules_after_the_command_define_the_view_before_them(desk: Path, tmp_path: Path, slactl: Slactl) -> None:
    other = tmp_path / "other.toml"
    other.write_text(desk.with_name("rules.toml").read_text() + '\n[views.mine]\npriority = "urgent"\n')
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--priority", "urgent")
    assert slactl("list", "@mine").code == 3
    assert slactl("list", "@mine", "--rules", str(other), "-q").out == "1\n"


def test_option_of_the_command_wins_after_the_command(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--actor", "zoe")
    assert slactl("--actor", "ben", "audit", "list", "--actor", "zoe", "-q").out == "1\n"
    assert slactl("audit", "list", "--actor", "ben", "-q").out == ""
    asked = ("calendar", "add", "always", "2026-03-02 12:00", "1h")
    assert slactl("--utc", *asked, "--timezone", "America/New_York").out == "2026-03-02T13:00:00Z\n"


def test_value_of_another_option_is_no_global_option(desk: Path, slactl: Slactl) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--body", "--utc")
    slactl("create", "--from", "ann@example.com", "--", "--debug")
    assert "--utc" in slactl("show", "1", "--json").out
    assert slactl("list", "--fields", "subject", "--utc", "--search", "--debug").lines == ["--debug"]


@pytest.mark.parametrize("words", [("oncall", "--db", "DB", "list"), ("oncall", "list", "--db", "DB")])
def test_group_with_a_default_command_takes_them(elsewhere: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    done = slactl(*(word.replace("DB", str(elsewhere)) for word in words))
    assert (done.code, done.out) == (0, "")


def test_option_after_the_command_repairs_a_wrong_variable(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACTL_ACTOR", "nobody")
    monkeypatch.setenv("SLACTL_TZ", "Mars/Base")
    assert slactl("list").code == 2
    assert slactl("list", "--utc").code == 2
    assert slactl("list", "--utc", "--actor", "ann").code == 0


@pytest.mark.parametrize("words", [("list", "--install-completion", "fish"), ("list", "--show-completion", "fish")])
def test_completion_is_not_set_up_after_a_command(desk: Path, slactl: Slactl, words: tuple[str, ...]) -> None:
    assert slactl(*words).code == 2


@pytest.mark.parametrize(
    ("words", "variable", "opened"),
    [
        ((), "", "2026-03-02T08:30:00Z"),
        (("--utc",), "", "2026-03-02T08:30:00Z"),
        (("--timezone", "Europe/Berlin"), "", "2026-03-02T07:30:00Z"),
        ((), "Europe/Berlin", "2026-03-02T07:30:00Z"),
        (("--utc",), "Europe/Berlin", "2026-03-02T08:30:00Z"),
        (("--timezone", "Asia/Kolkata"), "Europe/Berlin", "2026-03-02T03:00:00Z"),
    ],
)
@freeze_time(NOW)
def test_times_without_offset_are_in_the_display_zone(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], variable: str, opened: str
) -> None:
    if variable:
        monkeypatch.setenv("SLACTL_TZ", variable)
    slactl("create", "Printer on fire", "--from", "ann@example.com", "--at", "2026-03-02 08:30", *words)
    assert slactl("list", "--fields", "created_at").lines == [opened]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--timezone", "Europe/Berln"),
            "--timezone: there is no time zone 'Europe/Berln'; did you mean Europe/Berlin?",
        ),
        (("--timezone", "localtime"), "--timezone: there is no time zone 'localtime'"),
        (("--timezone", ""), "--timezone needs a value"),
        (("--timezone", "Europe/Berlin", "--utc"), "use either --timezone or --utc"),
    ],
)
def test_wrong_zone_is_refused(desk: Path, slactl: Slactl, words: tuple[str, ...], message: str) -> None:
    for typed in ((*words, "list"), ("list", *words)):
        refused = slactl(*typed)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith(f"error: {message}")


def test_wrong_zone_of_the_environment_is_refused(desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACTL_TZ", "Europe/Berln")
    refused = slactl("list")
    assert refused.code == 2
    assert refused.err.startswith("error: SLACTL_TZ: there is no time zone 'Europe/Berln'; did you mean Europe/Berlin?")
    assert refused.err.endswith("hint: unset SLACTL_TZ\n")


def test_zone_of_one_command_is_not_the_zone_of_the_next(desk: Path, slactl: Slactl) -> None:
    slactl("list", "--timezone", "Asia/Kolkata")
    assert display_zone.zone_name() == "Asia/Kolkata"
    slactl("list")
    assert (display_zone.zone(), display_zone.zone_name()) == (None, "UTC")


def test_hints_repeat_the_zone_that_was_typed(desk: Path, slactl: Slactl) -> None:
    assert (
        "hint: slactl --timezone Asia/Kolkata "
        in slactl("due", "1", "--target", "resolution", "--timezone", "Asia/Kolkata").err
    )
    assert "hint: slactl --utc " in slactl("--utc", "due", "1", "--target", "resolution").err


@pytest.mark.parametrize(
    ("zone", "instant", "said"),
    [
        ("UTC", "2026-03-02T09:00:00Z", "Mon 2026-03-02 09:00 UTC"),
        ("Europe/Berlin", "2026-03-02T09:00:05Z", "Mon 2026-03-02 10:00:05 Europe/Berlin"),
        ("America/New_York", "2026-03-02T02:00:00Z", "Sun 2026-03-01 21:00 America/New_York"),
        ("Europe/Berlin", "2026-10-25T00:30:00Z", "Sun 2026-10-25 02:30 +02:00 Europe/Berlin"),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "Sun 2026-10-25 02:30 +01:00 Europe/Berlin"),
        ("Europe/Berlin", "2026-10-25T02:00:00Z", "Sun 2026-10-25 03:00 Europe/Berlin"),
        ("Australia/Lord_Howe", "2026-04-04T14:45:00Z", "Sun 2026-04-05 01:45 +11:00 Australia/Lord_Howe"),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", "Sun 2026-03-29 03:00 Europe/Berlin"),
    ],
)
def test_instant_is_described_so_that_it_means_one_moment(zone: str, instant: str, said: str) -> None:
    display_zone.use(zone)
    assert display_zone.describe(from_text(instant)) == said
    assert to_text(display_zone.shown(from_text(instant))) == instant
    display_zone.use(None)


@pytest.mark.parametrize("words", [("--color", "always", "show", "1"), ("show", "1", "--color", "always")])
def test_colour_is_chosen_before_or_after_the_command(
    desk: Path, slactl: Slactl, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    slactl("create", "Printer on fire", "--from", "ann@example.com")
    assert "\x1b[" in slactl(*words, "--format", "table").out
    assert "\x1b[" not in slactl("show", "1", "--format", "table").out
