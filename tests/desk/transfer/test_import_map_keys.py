"""Every key of a map: composite ids, constants, tags with prefixes, forms of times, messages, changes, deadlines."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Slactl

pytestmark = pytest.mark.usefixtures("desk")

CREATED = "2026-01-05T10:00:00Z"
BASE = '[columns]\nticket = "id"\ncreated_at = "created"\n'


@pytest.fixture
def own(slactl: Slactl, tmp_path: Path) -> Any:  # noqa: ANN401
    """Import rows (JSON unless they are a text) through a map with this text."""

    def run(text: str, rows: object) -> Any:  # noqa: ANN401
        (tmp_path / "own.toml").write_text(text)
        given = rows if isinstance(rows, str) else json.dumps(rows)
        return slactl("import", "-", "--map", str(tmp_path / "own.toml"), stdin=given)

    return run


def tickets(slactl: Slactl) -> dict[str, dict[str, Any]]:
    return {ticket["external_id"]: ticket for ticket in json.loads(slactl("list", "--all", "--json").out)}


def exported(slactl: Slactl) -> list[dict[str, Any]]:
    return [json.loads(line) for line in slactl("export").lines]


def told(slactl: Slactl) -> list[tuple[str, str, object]]:
    """Day and hour, type and value of each event."""
    names = ("status", "priority", "assignee", "due_at", "body")
    events = [each for each in exported(slactl) if "ticket" in each]
    return [(each["at"][8:13], each["type"], next((each[n] for n in names if n in each), None)) for each in events]


def test_composite_key_keeps_repositories_apart(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = BASE.replace('"id"', '["repository.name", "number"]')
    rows = [{"repository": {"name": name}, "number": 7, "created": CREATED} for name in ("a/x", "a/y")]
    assert own(text, [*rows, {"number": 7, "created": CREATED}]).code == 7
    assert tickets(slactl).keys() == {"a/x#7", "a/y#7"}
    assert own(text.replace("repository.name", "repo"), f"repo,number,created\na/z,7,{CREATED}\n").code == 0
    assert "a/z#7" in tickets(slactl)


def test_constants_and_tags_with_a_prefix(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = (
        f'{BASE}tags = "labels[]"\npriority = "prio"\n[constants]\nplan = "pro"\n'
        '[from_tags.priority]\nprefix = "priority::"\n[values.priority]\n1 = "urgent"\nhigh = "high"\n'
    )
    rows = [
        {"id": 1, "created": CREATED, "labels": ["bug", "priority::1"], "prio": None},
        {"id": 2, "created": CREATED, "labels": ["bug"], "prio": "high"},
        {"id": 3, "created": CREATED, "labels": ["priority::"], "prio": None},
        {"id": 4, "created": CREATED, "labels": ["priority::huge"], "prio": None},
    ]
    done = own(text, rows)
    assert (done.code, "4:prio: 'huge' has no meaning in the map" in done.err) == (7, True)
    found = tickets(slactl)
    assert [found[name]["priority"] for name in "123"] == ["urgent", "high", "normal"]
    assert {each["plan"] for each in found.values()} == {"pro"}


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ('formats = ["%d-%m-%Y %H:%M", "iso"]', "05-01-2026 10:00"),
        ('formats = ["%d-%m-%Y %H:%M", "iso"]', "2026-01-05T11:00:00+01:00"),
        ('formats = ["iso", "epoch"]', "1767607200"),
        ('format = "epoch"', 1767607200),
        ('format = "epoch"', 1767607200.5),
        ('format = "epoch_ms"', 1767607200000),
        ('formats = ["epoch_ms"]', "1767607200999"),
        ('format = "%d/%b/%y %I:%M %p"', "05/Jan/26 10:00 AM"),
        ('format = "iso"\ntimezone = "Europe/Berlin"', "2026-01-05 11:00"),
        ('timezone = "Europe/Berlin"', "2026-01-05T10:00:00.25Z"),
    ],
)
def test_forms_of_times(slactl: Slactl, own: Any, time: str, written: object) -> None:  # noqa: ANN401
    assert own(f"{BASE}[time]\n{time}\n", [{"id": 1, "created": written}]).code == 0
    assert tickets(slactl)["1"]["created_at"] == CREATED


@pytest.mark.parametrize(
    ("form", "written"),
    [("epoch", "2026"), ("epoch", -1), ("epoch", 10**12), ("epoch_ms", True), ("iso", 1767607200), ("epoch", "1e9")],
)
def test_numbers_that_are_no_time_are_a_bad_row(slactl: Slactl, own: Any, form: str, written: object) -> None:  # noqa: ANN401
    done = own(f'{BASE}[time]\nformat = "{form}"\n', [{"id": 1, "created": written}])
    assert done.code == (0 if written == "2026" else 7)
    assert "Traceback" not in done.err


def test_star_translates_every_other_word_but_no_empty_cell(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = f'{BASE}status = "s"\n[values.status]\nDone = "closed"\n"*" = "pending"\n'
    assert own(text, f"id,created,s\n1,{CREATED},Done\n2,{CREATED},Odd\n3,{CREATED},\n").code == 0
    found = tickets(slactl)
    assert [found[name]["status"] for name in "123"] == ["closed", "pending", "open"]


def test_rows_that_the_map_leaves_out(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    rows = [{"id": n, "created": CREATED, "pull_request": pull} for n, pull in ((1, None), (2, {"url": "x"}))]
    done = own(f'skip_when = {{ pull_request = ["*"] }}\n{BASE}', [*rows, {"id": 3, "created": CREATED}])
    assert (done.code, sorted(tickets(slactl))) == (0, ["1", "3"])
    assert done.err.count("skip_when") == 1


def test_star_leaves_out_no_row_with_an_empty_cell(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    done = own(f'skip_when = {{ gone = ["*"] }}\n{BASE}', f"id,created,gone\n1,{CREATED},\n2,{CREATED},yes\n")
    assert (done.code, sorted(tickets(slactl))) == (0, ["1"])


@pytest.mark.parametrize("text", [{"text": ""}, {"text": None}, {"text": " "}, {}])
def test_empty_word_stands_for_a_value_that_is_empty_or_missing(slactl: Slactl, own: Any, text: Any) -> None:  # noqa: ANN401
    messages = '[[messages]]\npath = "log"\nat = "at"\nbody = "text"\nagent_when = { by = ["mia"] }\n'
    log = [
        {"at": f"2026-01-05T{hour}:00:00Z", "by": "mia"} | one for hour, one in (("11", text), ("12", {"text": "Hi"}))
    ]
    rows = [{"id": 1, "created": CREATED, "log": log}]
    assert own(f'{BASE}{messages}skip_when = {{ text = [""] }}\n', rows).code == 0
    assert tickets(slactl)["1"]["first_responded_at"] == "2026-01-05T12:00:00Z"


def test_a_value_that_cannot_be_read_is_no_missing_column(own: Any) -> None:  # noqa: ANN401
    done = own(f'{BASE}subject = "title"\nassignee = "who"\n', [{"id": 1, "created": "soon", "title": "Fan"}])
    assert done.code == 7
    assert done.err == (
        "warning: the file does not have 1 column of the map: who (for assignee)\n"
        "error: stdin:1:created: 'soon' is not a time in ISO 8601\n"
    )


def test_a_tag_and_a_message_that_are_too_long_are_cut_and_told(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = (
        f'{BASE}tags = "tags"\n[[messages]]\npath = "log"\nat = "at"\nbody = "text"\nagent_when = {{ by = ["mia"] }}\n'
    )
    rows = [
        {"id": number, "created": CREATED, "tags": ["vpn", "t" * tag], "log": [{"at": CREATED, "text": "x" * body}]}
        for number, tag, body in ((1, 100, 1_000_000), (2, 101, 1), (3, 1, 1_000_001))
    ]
    done, why = own(text, rows), "the text is longer than slactl keeps; its end is left out"
    assert done.code == 0
    assert [line for line in done.err.splitlines() if why in line] == [
        f"warning: stdin:2:tags: {why}",
        f"warning: stdin:3:log.body: {why}",
    ]
    assert [len(tickets(slactl)[number]["tags"][1]) for number in "123"] == [100, 100, 1]
    assert (
        sorted(len(each.get("body", "")) for each in exported(slactl) if each.get("type") == "note")[1:] == [10**6] * 2
    )


MESSAGES = (
    'assignee = "who"\nrequester_email = "by"\nstatus = "state"\n[[messages]]\npath = "data.comments"\nat = "at"\n'
    'author = "user.login"\nbody = "text"\nagent_when = { role = ["OWNER", "MEMBER"] }\n'
    "public_when = { internal = [false] }\n"
)


def comment(hour: str, role: str, **more: object) -> dict[str, object]:
    return {"at": f"2026-01-05T{hour}:00:00Z", "role": role, "user": {"login": "mia"}, "text": hour} | more


def test_messages_tell_who_answered_and_when(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    comments = [
        comment("13", "OWNER"),
        comment("11", "NONE"),
        comment("12", "MEMBER", internal=True),
        comment("09", "NONE"),
    ]
    row = {"id": 1, "created": CREATED, "by": "bob", "who": None, "state": "open", "data": {"comments": comments}}
    done = own(BASE + MESSAGES, [row])
    assert done.code == 0
    assert "from before the ticket was created" in done.err
    assert "does not tell" not in done.err
    assert told(slactl)[1:] == [
        ("05T11", "customer_reply", "11"),
        ("05T12", "note", "12"),
        ("05T13", "agent_reply", "13"),
    ]
    assert tickets(slactl)["1"]["first_responded_at"] == "2026-01-05T13:00:00Z"


def test_empty_list_of_messages_says_that_nobody_answered(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    rows = [
        {"id": n, "created": CREATED, "state": "open", "data": data} for n, data in ((1, {"comments": []}), (2, {}))
    ]
    assert own(BASE + MESSAGES, rows).code == 0
    shown = [json.loads(slactl("show", f"ext:{n}", "--json").out)["timers"] for n in (1, 2)]
    states = [next(t["state"] for t in timers if t["target"] == "first_response") for timers in shown]
    assert states == ["breached", "unknown"]


def test_everybody_but_the_requester_is_an_agent_where_nothing_else_tells(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = f'{BASE}[[messages]]\npath = "notes[]"\nat = "at"\nrequester_when = {{ author = "by.id" }}\nopening = true\n'
    notes = [{"at": f"2026-01-05T{hour}:00:00Z", "author": who} for hour, who in (("10", 9), ("11", 9), ("12", 8))]
    assert own(text, [{"id": 1, "created": CREATED, "by": {"id": 9}, "notes": notes}]).code == 0
    assert [each[:2] for each in told(slactl)[1:]] == [("05T11", "customer_reply"), ("05T12", "agent_reply")]


@pytest.mark.parametrize(("message", "said"), [({"at": None}, "is missing in a message"), ({"at": "x"}, "'x' is not")])
def test_message_without_a_time_is_a_bad_row(slactl: Slactl, own: Any, message: object, said: str) -> None:  # noqa: ANN401
    done = own(BASE + MESSAGES, [{"id": 1, "created": CREATED, "state": "open", "data": {"comments": [message]}}])
    assert (done.code, tickets(slactl)) == (7, {})
    assert f"1:data.comments.at: {said}" in done.err


CHANGES = (
    'status = "state"\npriority = "prio"\nassignee = "who"\nat = "updated"\nresolved_at = "done"\n'
    '[values.status]\nNew = "open"\nBusy = "open"\nWait = "pending"\nDone = "resolved"\n'
    '[[changes]]\npath = "log.entries[].items[]"\nat = "^created"\nauthor = "^by"\nfield = "field"\nfrom = "old"\n'
    'to = "new"\nfields = { status = "Status", priority = "prio", assignee = ["who", "owner"] }\n'
)


def entry(day: str, *items: tuple[str, str | None, str | None]) -> dict[str, object]:
    listed = [{"field": field, "old": old, "new": new} for field, old, new in items]
    return {"created": f"2026-01-{day}T10:00:00Z", "by": "mia", "items": listed}


def changed(
    state: str, prio: str, who: str | None, *entries: object, done: str | None = None
) -> list[dict[str, object]]:
    row = {"id": 1, "created": CREATED, "updated": "2026-01-20T10:00:00Z", "state": state, "prio": prio, "who": who}
    return [row | {"done": done, "log": {"entries": list(entries)}}]


def test_changes_tell_the_values_at_creation_and_what_followed(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    rows = changed(
        "Done",
        "high",
        None,
        entry("08", ("Status", "Wait", "Done"), ("rank", "1", "2")),
        entry("06", ("Status", "New", "Busy"), ("prio", "low", "high"), ("owner", None, "ann")),
        entry("07", ("Status", "Busy", "Wait"), ("who", "ann", None)),
        done="2026-01-08T10:00:00Z",
    )
    assert own(BASE + CHANGES, rows).code == 0
    created, *rest = exported(slactl)
    assert (created["status"], created["priority"], created.get("assignee")) == ("open", "low", None)
    assert told(slactl)[1:] == [
        ("06T10", "priority", "high"),
        ("06T10", "assigned", "ann"),
        ("07T10", "status", "pending"),
        ("07T10", "assigned", None),
        ("08T10", "status", "resolved"),
    ]
    assert {each["actor"] for each in rest} == {"mia"}


def test_row_wins_over_changes_that_do_not_lead_to_it(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    rows = changed("Done", "low", "bob", entry("06", ("Status", "New", "Wait"), ("prio", "low", "high")))
    assert own(BASE + CHANGES, rows).code == 0
    assert told(slactl)[1:] == [
        ("06T10", "status", "pending"),
        ("06T10", "priority", "high"),
        ("20T10", "status", "resolved"),
        ("20T10", "priority", "low"),
    ]
    (ended,) = [each for each in exported(slactl) if each.get("unknown_instant")]
    assert ended["status"] == "resolved"


def test_reopened_ticket_is_open_again(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    log = [entry("06", ("Status", "New", "Done")), entry("07", ("Status", "Done", "Busy"))]
    assert own(BASE + CHANGES, changed("Busy", "low", None, *log, done="2026-01-06T10:00:00Z")).code == 0
    assert told(slactl)[1:] == [("06T10", "status", "resolved"), ("07T10", "status", "open")]


def test_deadlines_of_the_source_are_kept(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = (
        f'{BASE}resolution_due_at = "due"\nfirst_response_due_at = "first"\nclosed_at = "closed"\n'
        'first_responded_at = "answered"\n'
    )
    row = {"id": 1, "created": CREATED, "due": "2026-01-09T10:00:00Z", "first": "2026-01-05T11:00:00Z"}
    ends = {"answered": "2026-01-05T11:30:00Z", "closed": "2026-01-09T09:00:00Z"}
    assert own(text, [row | ends, row | ends | {"id": 2, "due": None, "closed": "2026-01-09T11:00:00Z"}]).code == 0
    timers = json.loads(slactl("show", "ext:1", "--json").out)["timers"]
    states = {each["target"]: (each["due_at"], each["state"]) for each in timers}
    assert states["resolution"] == ("2026-01-09T10:00:00Z", "met")
    assert states["first_response"][0] == "2026-01-05T11:00:00Z"
    assert states["first_response"][1] != "met"


def test_next_response_of_the_source_is_due_after_the_message_that_waits(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = BASE + 'next_response_due_at = "next"\n' + MESSAGES
    comments = [comment("11", "OWNER"), comment("12", "NONE")]
    row = {"id": 1, "created": CREATED, "by": "bob", "who": None, "state": "open", "data": {"comments": comments}}
    assert own(text, [row | {"next": "2026-01-05T15:00:00Z"}]).code == 0
    assert told(slactl)[-1] == ("05T12", "due_set", "2026-01-05T15:00:00Z")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[messages]]\npath = "a"\nat = "b"\n', "messages needs agent_when or requester_when"),
        ('[[changes]]\npath = "a"\nat = "b"\nto = "c"\nfields = { stats = "x" }\n', "did you mean status?"),
        ('[constants]\npriority = "hgih"\n', "did you mean high?"),
        ('[constants]\ncreated_at = "2026"\n', "'created_at' is not one of the columns status, "),
        ('[from_tags.plan]\nprefix = "p:"\n', "from_tags needs columns.tags"),
        ('[time]\nformats = ["epoc"]\n', "did you mean epoch?"),
        ('[time]\nformat = "%Q"\n', "'%Q' is not a form of times"),
        ('[time]\nformat = "iso"\nformats = ["iso"]\n', "format and formats contradict each other"),
        ('[tags]\nseparator = ""\n', "tags.separator"),
        ('subject = "a..b"\n', "'a..b' has an empty step"),
    ],
)
def test_wrong_map_is_one_error(own: Any, text: str, said: str) -> None:  # noqa: ANN401
    done = own(BASE + text, "id,created\n")
    assert (done.code, said in done.err) == (4, True), done.err
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('encoding = "cp125"\n', "'cp125' is not a known encoding"),
        ('encoding = "rot13"\n', "'rot13' is not a known encoding"),
        ('source = "a:b"\n', "'a:b' must begin with a letter"),
        ('source = "ext"\n', "'ext' is not allowed: ext:ID names an external id of any source"),
        ('answers = "hre"\n', "'unknown' or 'here'"),
        ('kind = "events"\n', "columns.at is missing"),
        ('anwers = "here"\n', "did you mean answers?"),
    ],
)
def test_wrong_key_at_the_top_is_one_error(own: Any, text: str, said: str) -> None:  # noqa: ANN401
    done = own(text + BASE, "id,created\n")
    assert (done.code, said in done.err) == (4, True), done.err


def test_variant_that_fits_the_file_better_is_used(slactl: Slactl, own: Any) -> None:  # noqa: ANN401
    text = 'variants = ["csv"]\n[columns]\nticket = "ticket"\ncreated_at = "created_at"\nstatus = "state.name"\n'
    rows = [{"ticket": 1, "created_at": CREATED, "state": {"name": "pending"}}]
    assert own(text, rows).code == 0
    header = "ticket,created_at,updated_at,subject,body,requester_email,plan,tenant,priority,assignee,tags,status"
    plain = f"{header}\n2,{CREATED},,,,,,,,,,closed\n"
    assert own(text, plain).code == 0
    assert {name: each["status"] for name, each in tickets(slactl).items()} == {"1": "pending", "2": "closed"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"errors": [{"message": "no"}], "issues": []}, "(lists of objects: errors)"),
        ({"errors": [{"message": "no"}], "data": {"nodes": [{"name": 1}]}}, "(lists of objects: errors, data.nodes)"),
        ({"errors": ["no"]}, "no list of objects in the file has 'id', which the map needs for ticket"),
    ],
)
def test_document_without_tickets_names_its_lists(slactl: Slactl, own: Any, document: object, said: str) -> None:  # noqa: ANN401
    done = own(BASE, document)
    assert (done.code, said in done.err, tickets(slactl)) == (2, True, {}), done.err


@pytest.mark.parametrize("document", [{"errors": [], "issues": [], "n": 0}, {"issues": []}, []])
def test_document_with_empty_lists_has_no_tickets(slactl: Slactl, own: Any, document: object) -> None:  # noqa: ANN401
    assert own(BASE, document).code == 0


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252", "shift_jis"])
def test_json_in_other_encodings(slactl: Slactl, own: Any, tmp_path: Path, encoding: str) -> None:  # noqa: ANN401
    subject = "日本" if encoding == "shift_jis" else "größer"
    file = tmp_path / "rows.json"
    rows = json.dumps([{"id": 1, "created": CREATED, "title": subject}], ensure_ascii=False)
    file.write_bytes(rows.encode(encoding))
    key = f'encoding = "{encoding}"\n' if encoding in ("cp1252", "shift_jis") else ""
    (tmp_path / "own.toml").write_text(f'{key}{BASE}subject = "title"\n')
    assert slactl("import", str(file), "--map", str(tmp_path / "own.toml")).code == 0
    assert tickets(slactl)["1"]["subject"] == subject
