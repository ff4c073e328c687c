"""A ticket has a hundred tags at most, whoever adds them, and none of them has a blank."""

import json
from pathlib import Path

from conftest import Slactl

T = [f"t{number}" for number in range(101)]
LATER = "2026-02-27T{:02}:00:00Z"


def options(name: str, tags: list[str]) -> list[str]:
    return [word for tag in tags for word in (name, tag)]


def tags(slactl: Slactl, number: str = "1") -> list[str]:
    found: list[str] = json.loads(slactl("show", number, "--json").out)["tags"]
    return found


def test_a_person_adds_a_hundred_and_no_more(desk: Path, slactl: Slactl) -> None:
    refused = slactl("create", "Ink", "--from", "a@example.com", *options("--tag", T))
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: there are 101 tags; at most 100 are allowed")
    assert slactl("create", "Ink", "--from", "a@example.com", *options("--tag", T[:100])).code == 0
    refused = slactl("tag", "1", "--add", "more")
    assert (refused.code, refused.err.splitlines()[0]) == (
        5,
        "error: ticket 1 would have 101 tags; at most 100 are allowed",
    )
    assert slactl("tag", "1", "--add", "t1").code == 0
    assert slactl("tag", "1", "--add", "more", "--remove", "t1").code == 0
    assert len(tags(slactl)) == 100


def test_tags_with_blanks_are_refused_from_people_and_dashed_in_histories(desk: Path, slactl: Slactl) -> None:
    opened = {"ticket": "a", "at": "2026-02-27T09:00:00Z", "type": "created", "tags": ["big boss", "a,b", "c"]}
    later = {"ticket": "a", "at": "2026-02-27T10:00:00Z", "type": "tags", "tags": ["very big boss"]}
    for line, expected in ((opened, ["big-boss", "a-b", "c"]), (later, ["very-big-boss"])):
        assert slactl("import", "-", stdin=json.dumps(line)).code == 0
        assert tags(slactl) == expected
    refused = slactl("tag", "1", "--add", "big boss")
    assert (refused.code, refused.err.splitlines()[0]) == (
        2,
        "error: the tag 'big boss' has a comma or a blank; write it with a dash: big-boss",
    )


def test_what_was_added_later_counts_for_an_earlier_time(desk: Path, slactl: Slactl) -> None:
    assert slactl("create", "Ink", "--from", "a@example.com", "--at", "3h ago").code == 0
    assert slactl("tag", "1", *options("--add", T[:100])).code == 0
    assert slactl("tag", "1", "--add", "more", "--at", "2h ago").code == 5
    assert len(tags(slactl)) == 100


def test_a_row_with_more_is_a_bad_row(desk: Path, slactl: Slactl) -> None:
    rows = [("A", T), ("B", T[:100])]
    table = "".join(f'{name},2026-02-27T09:00:00Z,"{",".join(words)}"\n' for name, words in rows)
    done = slactl("import", "-", "--map", "csv", stdin=f"ticket,created_at,tags\n{table}")
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert (done.code, errors) == (7, ["error: stdin:2:tags: 101 tags; at most 100 are allowed"])
    assert len(tags(slactl, "B")) == 100


def test_a_history_with_more_is_left_out(desk: Path, slactl: Slactl) -> None:
    def line(name: str, hour: int, kind: str, **more: object) -> str:
        return json.dumps({"ticket": name, "at": LATER.format(hour), "type": kind} | more) + "\n"

    lines = line("A", 8, "created", tags=T) + line("B", 8, "created") + line("B", 9, "tags", tags=T)
    lines += line("C", 8, "created", tags=T[:60]) + line("C", 9, "tags", tags=T[60:], added=T[60:])
    lines += line("D", 8, "created", tags=T[:100])
    done = slactl("import", "-", stdin=lines)
    assert done.code == 7
    assert done.err.splitlines() == [
        "error: stdin:1:tags: 101 tags; at most 100 are allowed",
        "error: stdin:3:tags: 101 tags; at most 100 are allowed",
        "error: stdin:4: the ticket is left out: tags: 101 tags; at most 100 are allowed",
    ]
    assert [len(tags(slactl, name)) for name in ("B", "D")] == [0, 100]
    more = line("D", 10, "tags", tags=["more"], added=["more"])
    assert slactl("import", "-", stdin=more).code == 7
    assert len(tags(slactl, "D")) == 100


def test_a_level_leaves_out_what_does_not_fit_and_says_so(desk: Path, slactl: Slactl) -> None:
    path = desk.with_name("rules.toml")
    level = 'id = "breach"\nat = "0m"\ntag = ["t1", "over", "more"]\n'
    path.write_text(path.read_text().replace('id = "breach"\nat = "0m"\n', level))
    created = slactl(
        "create", "Ink", "--from", "a@example.com", "--priority", "urgent", "--at", "30h ago", *options("--tag", T[:99])
    )
    assert created.code == 0, created.err
    done = slactl("check")
    assert done.code == 0, done.err
    assert "ticket 1 has 100 tags, the most allowed; breach does not add more" in done.err
    assert tags(slactl) == [*T[:99], "over"]
    events = json.loads(slactl("history", "1", "--json").out)
    assert next(each["detail"]["left_out"] for each in events if "left_out" in each["detail"]) == ["more"]
    assert slactl("audit", "verify").code == 0
    exported = slactl("export").out
    other = str(desk.with_name("other.db"))
    assert slactl("--db", other, "init").code in (0, 5)
    assert slactl("--db", other, "import", "-", stdin=exported).code == 0
    assert slactl("--db", other, "export").out == exported
