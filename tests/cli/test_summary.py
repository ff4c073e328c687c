"""`summary`: counts of now, and how the promises were kept."""

import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from busy_desk import Desk
from conftest import Slactl
from freezegun import freeze_time

pytest_plugins = ["busy_desk"]

#: The fields that scripts rely on, in their order.
COLUMNS = (
    "at open_count unassigned_count urgent_open_count escalated_count paused_count due_soon_count "
    "first_response_breached_count next_response_breached_count update_breached_count resolution_breached_count "
    "avg_first_response_minutes median_first_response_minutes first_response_n "
    "avg_resolution_hours median_resolution_hours resolution_n "
    "first_response_attainment resolution_attainment escalation_rate breach_rate reopen_rate"
)
FIELDS = COLUMNS.split()
MEASURED = FIELDS[FIELDS.index("avg_first_response_minutes") :]


def summary(slactl: Slactl, *options: str) -> dict[str, Any]:
    result = slactl("summary", "--json", *options)
    assert result.code == 0, result.err
    record: dict[str, Any] = json.loads(result.out)
    return record


def brief(number: int, due_at: str, target: str) -> dict[str, Any]:
    return {"id": number, "due_at": due_at, "due_target": target}


@pytest.mark.usefixtures("busy")
class TestBusyDesk:
    """First responses: 1 in 60 min, 2 in 26 h (late), 5 in 60 min; 3 was resolved without one; 6 is open and late.

    Resolutions: 1 after 96 h (late), 3 after 6 h.
    """

    def test_counts_and_averages(self, slactl: Slactl) -> None:
        found = summary(slactl)
        found["next"] = [brief(each["id"], each["due_at"], each["due_target"]) for each in found["next"]]
        assert found == {
            "at": "2026-03-02T12:00:00Z",
            "open_count": 6,
            "unassigned_count": 3,
            "urgent_open_count": 1,
            "escalated_count": 1,
            "paused_count": 1,
            "due_soon_count": 1,
            "first_response_breached_count": 1,
            "next_response_breached_count": 0,
            "update_breached_count": 0,
            "resolution_breached_count": 0,
            "avg_first_response_minutes": 560.0,
            "median_first_response_minutes": 60.0,
            "first_response_n": 3,
            "avg_resolution_hours": 51.0,
            "median_resolution_hours": 51.0,
            "resolution_n": 2,
            "first_response_attainment": 0.6,
            "resolution_attainment": 0.5,
            "escalation_rate": 0.2,
            "breach_rate": 0.6,
            "reopen_rate": 0.0,
            "since": "2026-01-31T12:00:00Z",
            "until": None,
            "by": None,
            "groups": None,
            "before": {
                "since": "2026-01-01T12:00:00Z",
                "until": "2026-01-31T12:00:00Z",
                **dict.fromkeys(MEASURED),
                "first_response_n": 0,
                "resolution_n": 0,
            },
            "due_soon_seconds": 7200,
            "urgency": [
                {"band": "late", "count": 1, "urgent": 1, "high": 0, "normal": 0, "low": 0},
                {"band": "due_soon", "count": 1, "urgent": 0, "high": 0, "normal": 1, "low": 0},
                {"band": "due_later", "count": 2, "urgent": 0, "high": 1, "normal": 1, "low": 0},
                {"band": "paused", "count": 1, "urgent": 0, "high": 0, "normal": 1, "low": 0},
                {"band": "no_deadline", "count": 1, "urgent": 0, "high": 0, "normal": 1, "low": 0},
            ],
            "next": [
                brief(4, "2026-03-02T13:00:00Z", "first_response"),
                brief(8, "2026-03-03T11:00:00Z", "first_response"),
                brief(5, "2026-03-05T08:00:00Z", "resolution"),
            ],
            "forecast": None,
        }

    def test_fields_are_those_of_the_contract_in_its_order(self, slactl: Slactl) -> None:
        assert list(summary(slactl))[: len(FIELDS)] == FIELDS

    @pytest.mark.parametrize(
        ("by", "names"),
        [
            ("plan", ["enterprise", "free", "pro", "trial"]),
            ("priority", ["urgent", "high", "normal", "low"]),
            ("assignee", ["bob", "mia", None]),
            ("tenant", ["acme", "globex", None]),
            ("policy", ["enterprise", "standard", None]),
        ],
    )
    def test_groups(self, by: str, names: list[str | None], slactl: Slactl) -> None:
        whole = summary(slactl)
        found = summary(slactl, "--by", by)
        groups = found["groups"]
        assert [group["group"] for group in groups] == names
        assert all(list(group) == ["group", *FIELDS] for group in groups)
        assert {name: found[name] for name in FIELDS} == {name: whole[name] for name in FIELDS}
        for name in FIELDS:
            if name.endswith(("_count", "_n")):
                assert sum(group[name] for group in groups) == whole[name]

    def test_without_a_period_it_measures_the_last_30_days(self, slactl: Slactl) -> None:
        with freeze_time("2026-03-22T09:00:01Z"):
            found = summary(slactl)
            assert (found["since"], found["until"], found["first_response_n"]) == ("2026-02-20T09:00:01Z", None, 2)
            whole = summary(slactl, "--since", "all")
            assert (whole["since"], whole["before"], whole["first_response_n"]) == (None, None, 3)
            # An end alone: the 30 days before it.
            found = summary(slactl, "--until", "2026-03-02T00:00:00Z")
            assert (found["since"], found["first_response_n"]) == ("2026-01-31T00:00:00Z", 1)
        assert summary(slactl, "--until", "1970-01-05")["since"] == "1970-01-01T00:00:00Z"

    def test_a_ticket_counts_in_each_of_its_tags(self, slactl: Slactl) -> None:
        whole = summary(slactl, "--by", "tag")
        groups = {group["group"]: group for group in whole["groups"]}
        assert list(groups) == ["reports", "vip", None]
        assert [group["open_count"] for group in groups.values()] == [1, 2, 4]
        # 5 has both tags, and was answered in an hour; 6 is late.
        assert [groups[tag]["first_response_n"] for tag in ("reports", "vip")] == [1, 1]
        assert groups["vip"]["first_response_attainment"] == 0.5
        assert (whole["open_count"], whole["first_response_n"]) == (6, 3)

    def test_all_tickets_have_one_source(self, slactl: Slactl) -> None:
        whole = summary(slactl, "--by", "source")
        assert [group["group"] for group in whole["groups"]] == [None]
        assert all(whole["groups"][0][name] == whole[name] for name in FIELDS)

    def test_a_group_of_its_own(self, slactl: Slactl) -> None:
        groups = {group["group"]: group for group in summary(slactl, "--by", "plan")["groups"]}
        pro = groups["pro"]
        assert (pro["open_count"], pro["first_response_n"], pro["avg_first_response_minutes"]) == (3, 3, 560.0)
        assert pro["first_response_attainment"] == pytest.approx(2 / 3, abs=1e-6)
        assert (groups["trial"]["first_response_attainment"], groups["trial"]["breach_rate"]) == (None, None)
        assert groups["enterprise"]["first_response_attainment"] == 0.0

    def test_since_takes_what_was_done_or_passed_from_then_on(self, slactl: Slactl) -> None:
        found = summary(slactl, "--since", "2026-03-02T08:00:00Z")
        assert found["since"] == "2026-03-02T08:00:00Z"
        # 2 was answered at that very instant, 5 an hour later, and the deadline of 6 passed.
        assert (found["first_response_n"], found["avg_first_response_minutes"]) == (2, 810.0)
        assert found["first_response_attainment"] == pytest.approx(1 / 3, abs=1e-6)
        assert (found["resolution_n"], found["resolution_attainment"]) == (0, None)
        assert found["breach_rate"] == pytest.approx(2 / 3, abs=1e-6)
        assert found["escalation_rate"] == pytest.approx(1 / 3, abs=1e-6)
        assert found["open_count"] == 6

    def test_since_a_second_later_leaves_out_what_was_done_before(self, slactl: Slactl) -> None:
        assert summary(slactl, "--since", "2026-03-02T08:00:01Z")["first_response_n"] == 1

    def test_a_period_in_which_nothing_was_done(self, slactl: Slactl) -> None:
        found = summary(slactl, "--since", "2026-03-02T11:30:00Z")
        assert found["first_response_attainment"] is None
        assert found["breach_rate"] is None
        assert "n/a" in slactl("summary", "--since", "2026-03-02T11:30:00Z", "--format", "table").out

    def test_it_agrees_with_the_lists(self, slactl: Slactl) -> None:
        found = summary(slactl)
        for option, field in (
            ("--paused", "paused_count"),
            ("--escalated", "escalated_count"),
            ("--unassigned", "unassigned_count"),
            ("--priority=urgent", "urgent_open_count"),
            ("--due-within=2h", "due_soon_count"),
        ):
            assert len(slactl("list", "-q", option).lines) == found[field], option

    def test_due_soon_is_what_the_rules_say(self, slactl: Slactl, tmp_path: Path) -> None:
        rules = tmp_path / "rules.toml"
        rules.write_text('[settings]\ndue_soon = "59m"\n', encoding="utf-8")
        found = json.loads(slactl("--rules", str(rules), "summary", "--json").out)
        assert found["due_soon_count"] == 0

    def test_the_view_counts_the_same(self, slactl: Slactl, busy_desk: Desk) -> None:
        found = summary(slactl)
        with sqlite3.connect(f"file:{busy_desk.database}?mode=ro", uri=True) as connection:
            cursor = connection.execute("SELECT * FROM summary_view")
            viewed = dict(zip((column[0] for column in cursor.description), cursor.fetchone(), strict=True))
        for name in ("open_count", "unassigned_count", "urgent_open_count", "escalated_count"):
            assert viewed[name] == found[name]

    def test_exit_code(self, slactl: Slactl) -> None:
        assert slactl("summary", "--exit-code").code == 10
        assert slactl("summary").code == 0

    def test_a_pipe_gets_one_field_a_line(self, slactl: Slactl) -> None:
        lines = slactl("summary").lines
        assert [line.split("\t")[0] for line in lines] == FIELDS
        assert "open_count\t6" in lines

    def test_a_pipe_gets_one_group_a_line(self, slactl: Slactl) -> None:
        lines = slactl("summary", "--by", "tenant").lines
        assert [line.split("\t")[0] for line in lines] == ["acme", "globex", ""]

    def test_csv(self, slactl: Slactl) -> None:
        rows = list(csv.DictReader(io.StringIO(slactl("summary", "--by", "plan", "--format", "csv").out)))
        assert [row["group"] for row in rows] == ["enterprise", "free", "pro", "trial"]

    def test_on_a_terminal_at_80_columns(self, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        lines = [line.rstrip() for line in slactl("summary", "--by", "plan", "--format", "table").lines]
        assert lines == [
            "Service desk on Mon 2026-03-02 12:00 UTC",
            "",
            "Open work      Urgent  High  Normal  Low  All",
            "overdue             1     -       -    -    1  ██████████",
            "due within 2h       -     -       1    -    1  ██████████",
            "due later           -     1       1    -    2  ████████████████████",
            "paused              -     -       1    -    1  ██████████",
            "no deadline         -     -       1    -    1  ██████████",
            "6 open: 3 unassigned · 1 escalated · 1 paused",
            "Overdue targets: first response 1 · next response 0 · update 0 · resolution 0",
            "",
            "Next breach  ID  Target          Priority  Assignee  Subject",
            "in 1h         4  first response  normal    mia       Invoice is wrong",
            "in 23h        8  first response  normal    nobody    [bold red]Sale[/] now  ⟨U+…",
            "in 2d 20h     5  resolution      high      bob       Slow report",
            "",
            "Targets met or missed since Sat 2026-01-31 12:00",
            "Target          Met                           Average  Median  Of",
            "first response  ████████████░░░░░░░░  60.0 %   9h 20m      1h   3",
            "resolution      ██████████░░░░░░░░░░  50.0 %    2d 3h   2d 3h   2",
            "Of these tickets, 60.0 % were overdue and 20.0 % were escalated. Of the resolved",
            "tickets, 0.0 % were reopened.",
            "",
            "Change          This period  Before",
            "first response       60.0 %     n/a",
            "resolution           50.0 %     n/a",
            "",
            "Plan        Open  Overdue  Due soon  Unassigned  Response met  Resolution met",
            "enterprise     2        1         1           1         0.0 %             n/a",
            "free           0        0         0           0       100.0 %         100.0 %",
            "pro            3        0         0           1        66.7 %           0.0 %",
            "trial          1        0         0           1           n/a             n/a",
        ]

    def test_until_leaves_out_what_came_after(self, slactl: Slactl) -> None:
        found = summary(slactl, "--since", "2026-02-20", "--until", "2026-03-02T08:00:00Z")
        # 1 and 3 were in time; the deadline of 2 passed undone at 06:00; a later answer changes nothing.
        assert found["first_response_attainment"] == pytest.approx(2 / 3, abs=1e-6)
        assert (found["first_response_n"], found["avg_first_response_minutes"]) == (1, 60.0)
        assert (found["resolution_n"], found["avg_resolution_hours"]) == (2, 51.0)
        assert found["open_count"] == 6

    def test_before_is_as_long_a_time_before(self, slactl: Slactl) -> None:
        found = summary(slactl, "--since", "2026-02-27T12:00:00Z")["before"]
        assert (found["since"], found["until"]) == ("2026-02-24T12:00:00Z", "2026-02-27T12:00:00Z")
        assert (found["resolution_attainment"], found["resolution_n"]) == (None, 0)
        found = summary(slactl, "--since", "2026-02-23T12:00:00Z")["before"]
        # 1 was answered in time; its resolution ran out undone on the 23rd at 08:00, and was done a day later.
        assert (found["first_response_attainment"], found["first_response_n"]) == (1.0, 1)
        assert (found["resolution_attainment"], found["resolution_n"]) == (0.0, 0)
        assert set(found) == {"since", "until", *MEASURED}

    def test_with_since_the_change_is_against_the_period_before(self, slactl: Slactl) -> None:
        shown = slactl("summary", "--since", "2026-02-23T12:00:00Z", "--format", "table")
        assert "This period" in shown.out
        assert [line for line in shown.lines if line.startswith("resolution")][-1].split() == [
            *("resolution", "50.0", "%", "0.0", "%", "50.0", "points", "better")
        ]

    @pytest.mark.parametrize("since", ["in 2h", "1970-01-02", "now"])
    def test_a_period_without_a_time_before(self, since: str, slactl: Slactl) -> None:
        found = summary(slactl, "--since", since)
        assert found["before"] is None
        assert slactl("summary", "--since", since, "--format", "table").code == 0

    def test_the_forecast_by_hours(self, slactl: Slactl) -> None:
        found = summary(slactl, "--forecast", "24h")["forecast"]
        assert (found["since"], found["until"]) == ("2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z")
        # The resolution of 2 is paused, the first response of 6 is late already, and 5 has time until Thursday.
        assert (found["count"], found["paused_count"], len(found["hours"])) == (3, 1, 24)
        assert [hour for hour in found["hours"] if hour["count"]] == [
            {
                "since": f"2026-03-0{day}T{hour}:00:00Z",
                "until": f"2026-03-0{day}T{hour + 1}:00:00Z",
                "count": 1,
                "first_response_count": int(number != 6),
                "next_response_count": 0,
                "update_count": 0,
                "resolution_count": int(number == 6),
                "tickets": [number],
            }
            for day, hour, number in ((2, 13, 4), (2, 21, 6), (3, 11, 8))
        ]

    def test_the_forecast_begins_now_and_ends_after_its_span(self, slactl: Slactl) -> None:
        with freeze_time("2026-03-02T12:40:10Z"):
            hours = summary(slactl, "--forecast", "90m")["forecast"]["hours"]
        assert [(hour["since"][11:], hour["until"][11:], hour["tickets"]) for hour in hours] == [
            ("12:40:10Z", "13:00:00Z", []),
            ("13:00:00Z", "14:00:00Z", [4]),
            ("14:00:00Z", "14:10:10Z", []),
        ]
        with freeze_time("2026-03-02T13:00:00Z"):  # on the deadline it is not late yet
            assert summary(slactl, "--forecast", "1m")["forecast"]["count"] == 1
        with freeze_time("2026-03-02T13:00:01Z"):
            assert summary(slactl, "--forecast", "1m")["forecast"]["count"] == 0

    def test_the_forecast_on_a_terminal_and_on_a_pipe(self, slactl: Slactl, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        lines = [line.rstrip() for line in slactl("summary", "--forecast", "3h", "--format", "table").lines]
        place = lines.index("If nobody acts, 1 target will be missed by Mon 15:00 (1 paused not counted)")
        assert lines[place + 1 : place + 5] == [
            "From       Will breach                Targets           Tickets",
            "Mon 12:00            -",
            "Mon 13:00            1  ████████████  first response 1  4",
            "Mon 14:00            -",
        ]
        assert slactl("summary", "--forecast", "2h").lines == [
            "2026-03-02T12:00:00Z\t2026-03-02T13:00:00Z\t0\t0\t0\t0\t0\t",
            "2026-03-02T13:00:00Z\t2026-03-02T14:00:00Z\t1\t1\t0\t0\t0\t4",
        ]

    def test_what_is_refused(self, slactl: Slactl) -> None:
        for span in ("soon", "2bd", "32d", "0h"):
            assert slactl("summary", "--forecast", span).code == 2, span
        assert slactl("summary", "--since", "now", "--until", "2h ago").code == 2
        assert slactl("summary", "--forecast", "2h", "--by", "plan").code == 2
        assert slactl("summary", "--forecast", "2h", "--by", "plan", "--json").code == 0
        assert slactl("summary", "--by", "team").code == 2
        assert slactl("summary", "--since", "someday").code == 2
        assert slactl("summary", "--format", "ids").code == 2


@freeze_time("2026-03-02T12:00:00Z")
def test_an_empty_desk(slactl: Slactl, desk: Path) -> None:
    found = summary(slactl, "--by", "plan")
    assert found["groups"] == []
    assert {found[name] for name in FIELDS if name.endswith(("_count", "_n"))} == {0}
    assert {found[name] for name in FIELDS if name.startswith(("avg", "median")) or "rate" in name} == {None}
    shown = slactl("summary", "--format", "table", "--forecast", "24h")
    assert (shown.code, "If nobody acts, 0 targets will be missed" in shown.out) == (0, True)
    assert slactl("summary", "--exit-code").code == 0
