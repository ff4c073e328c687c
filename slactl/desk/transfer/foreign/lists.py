"""Read the lists inside a row: its messages, and the changes of its fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from slactl.desk.transfer.foreign.cells import Convert, converter, is_cut, is_empty
from slactl.desk.transfer.foreign.paths import ABSENT, Chain, agrees, find, find_above, items, parse_path
from slactl.desk.transfer.foreign.tables import Changes, Messages, Ours, word
from slactl.desk.transfer.maps import Map
from slactl.sla.enums import NO_WORDS
from slactl.sla.history.readers import LineError


def messages_of(
    row: Mapping[str, Any], record: Mapping[str, Any], messages: Messages, mapping: Map
) -> list[dict[str, Any]] | None:
    """Return the messages of a row in order of time; None if the row has no such list.

    `is_agent` of a message is None where nothing tells who wrote it.

    Raises:
        LineError: a message has no instant, or an instant or a text that cannot be read.
    """
    listed = items(row, parse_path(messages.path))
    if listed is None:
        return None
    instant, name = converter(Ours.CREATED_AT, mapping, NO_WORDS), converter(Ours.ACTOR, mapping, NO_WORDS)
    body, place, found = converter(Ours.BODY, mapping, NO_WORDS), messages.path, list[dict[str, Any]]()
    for chain in listed:
        if any(agrees(chain, {path: values}, word) for path, values in messages.skip_when.items()):
            continue
        author = _read(chain, messages.author, name, f"{place}.author", mapping)
        message = {
            "at": _read(chain, messages.at, instant, f"{place}.at", mapping),
            "author": author,
            "body": _read(chain, messages.body, body, f"{place}.body", mapping),
            "is_agent": _is_agent(chain, author, record, messages, mapping),
            "is_public": agrees(chain, messages.public_when, word) is not False,
        }
        if message["at"] is None:
            raise LineError(f"{place}.at", "is missing in a message")
        if is_cut(first(chain, messages.body), Ours.BODY, mapping):
            message["cut_at"] = f"{place}.body"
        found.append(message)
    found.sort(key=lambda message: str(message["at"]))
    return found


def _is_agent(
    chain: Chain, author: str | None, record: Mapping[str, Any], messages: Messages, mapping: Map
) -> bool | None:
    """Return whether an agent wrote a message: never the requester, else as the message says, else everybody else."""
    said = agrees(chain, messages.agent_when, word) if messages.agent_when else None
    if messages.requester_when:
        is_requester = _is_requester(chain, messages, mapping)
        return said if is_requester is None or (said is not None and not is_requester) else not is_requester
    if said is not None:
        return said
    requester = record.get(Ours.REQUESTER_EMAIL)
    return author != requester if author is not None and requester is not None else None


def _is_requester(chain: Chain, messages: Messages, mapping: Map) -> bool | None:
    """Return whether the requester wrote a message; None if the message or the row does not name who that is."""
    for theirs, paths in messages.requester_when.items():
        writer = find_above(chain, parse_path(theirs))
        asked = [find(chain[0], parse_path(path)) for path in paths]
        known = [value for value in asked if value is not ABSENT and not is_empty(value, mapping)]
        if known and writer is not ABSENT and not is_empty(writer, mapping):
            return word(known[0]) == word(writer)
    return None


def changes_of(
    row: Mapping[str, Any], changes: Changes, mapping: Map, convert: Mapping[str, Convert]
) -> list[dict[str, Any]] | None:
    """Return the changes in a row in order of time; None if the row has no such list.

    Raises:
        LineError: a change has no instant, or an instant or a word that cannot be read.
    """
    listed = items(row, parse_path(changes.path))
    if listed is None:
        return None
    ours_of = {theirs: ours for ours, names in changes.fields.items() for theirs in names}
    only, found = next(iter(changes.fields)), list[dict[str, Any]]()
    for chain in listed:
        ours = ours_of.get(word(first(chain, changes.field))) if changes.field else only
        if ours is None:
            continue
        at = _read(chain, changes.at, convert[Ours.CREATED_AT], f"{changes.path}.at", mapping)
        if at is None:
            raise LineError(f"{changes.path}.at", "is missing in a change")
        change = {"at": at, "field": ours, "to": _read(chain, changes.to, convert[ours], f"{changes.path}.to", mapping)}
        if changes.before:
            change["from"] = _read(chain, changes.before, convert[ours], f"{changes.path}.from", mapping)
        if changes.author:
            change["author"] = _read(chain, changes.author, convert[Ours.ACTOR], f"{changes.path}.author", mapping)
        found.append(change)
    return sorted(found, key=lambda change: str(change["at"]))


def first(chain: Chain, paths: Sequence[str]) -> Any:  # noqa: ANN401  (parsed JSON)
    """Return the first value at some paths that is there and not empty; None if there is none."""
    values = (find_above(chain, parse_path(path)) for path in paths)
    return next((value for value in values if value is not ABSENT and value not in (None, "")), None)


def _read(chain: Chain, paths: Sequence[str], convert: Convert, place: str, mapping: Map) -> Any:  # noqa: ANN401
    value = first(chain, paths)
    try:
        return convert(value)
    except LineError as error:
        raise LineError(place, error.reason) from None
