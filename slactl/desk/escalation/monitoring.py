"""Tell monitors about a run: a file for Prometheus, the live page, and a heartbeat after a clean run."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from slactl.clock import from_text, to_text
from slactl.desk.escalation.run import Report, RunOptions
from slactl.desk.ledger.desk import Desk
from slactl.desk.ledger.last_rules import Heartbeat
from slactl.desk.messages.delivered import Delivered
from slactl.desk.messages.failures import with_errno
from slactl.desk.programs.secrets import Refused, Secrets, Unresolved, filled_in, proxy
from slactl.errors import SlactlError
from slactl.files import real_path, write_whole
from slactl.sla.rules.addresses import is_local, scheme
from slactl.store.read import runs
from slactl.store.read.reports import goal_figures
from slactl.text import clean

if TYPE_CHECKING:
    from slactl.store.database import Transaction

#: How long a heartbeat may take in all, in seconds.
HEARTBEAT_SECONDS = 10

#: How Prometheus' text format escapes the values of labels.
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def tell_monitors(
    desk: Desk, report: Report, options: RunOptions, heartbeat: Heartbeat | None, sources: Sequence[str] | None
) -> Delivered:
    """Write the metrics file and the live page, and send the heartbeat, if the run has them; return the problems.

    `sources` are those of the rules; None if the rules are invalid, so that the metrics have all that were ever synced.
    """
    delivered, metrics = Delivered(), options.metrics
    if metrics is not None:
        try:
            with desk.database.read() as transaction:
                lines = list(exposition(chain(_families(transaction, report), _synced(transaction, sources))))
            write_whole(real_path(metrics), "".join(f"{line}\n" for line in lines).encode(), mode=0o644)
        except (OSError, SlactlError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            delivered.problems.append(f"the metrics cannot be written to {metrics}: {why}")
    if options.board is not None:
        try:
            options.board()
        except SlactlError as error:
            delivered.problems.append(f"the live page cannot be written: {error.message}")
            delivered.hints += [error.hint] if error.hint else []
        except Exception as error:  # an outcome that cannot be read
            delivered.problems.append(f"the live page cannot be written: {type(error).__name__}: {error}")
    if heartbeat is not None and not delivered.problems:
        secrets = Secrets.of(desk.rules, heartbeat.secrets, os.environ)
        if secrets.doubts:
            delivered.distrust(desk, secrets.doubts)
        elif (problem := send_heartbeat(heartbeat, secrets)) is not None:
            delivered.problems.append(f"the heartbeat was not sent: {problem}")
    return delivered


#: A set of labels and the value for it.
Sample = tuple[Mapping[str, object], float]

#: A name without the prefix, its type, its help text, and its samples.
Family = tuple[str, str, str, list[Sample]]


def _families(transaction: "Transaction", report: Report) -> Iterator[Family]:
    good, now, tallies = runs.last_good(transaction), to_text(report.at), runs.tallies(transaction)
    success = [from_text(good).timestamp()] if good else []
    yield _gauge("last_success_timestamp_seconds", "End of the last check that exited with 0.", *success)
    yield _gauge("last_run_timestamp_seconds", "Start of the last check.", report.at.timestamp())
    yield _gauge("last_run_duration_seconds", "Duration of the last check.", report.duration_ms / 1000)
    yield _gauge("last_run_exit_code", "Exit code of the last check.", int(report.code))
    counts = ("scanned", "breached", "escalated", "notified", "failed")
    results: list[Sample] = [({"result": name}, getattr(report, name)) for name in counts]
    yield "last_run_count", "gauge", "Tickets, breaches, levels and messages of the last check.", results
    names = ("escalation", "level", "outcome", "source")
    decided: list[Sample] = [(dict(zip(names, row, strict=False)), row[-1]) for row in tallies["escalations"]]
    yield "escalations_total", "counter", "Due levels by outcome, and manual escalations.", decided
    yield "outbox_messages", "gauge", "Messages by state.", [({"state": state}, n) for state, n in tallies["outbox"]]
    yield from _goals(transaction)
    overdue = runs.overdue_unfired(transaction, now)
    yield _gauge("overdue_unfired_tickets", "Tickets with a due breach or level that no check has processed.", overdue)


def _goals(transaction: "Transaction") -> Iterator[Family]:
    """Yield the figures of each goal, which this check kept; a goal without outcomes has no margin."""
    figures = goal_figures(transaction)
    helps = {
        "attained": "Share of the outcomes of a goal that were kept in its period.",
        "goal": "Share that must be kept.",
        "spare": "Misses that a goal can still bear.",
        "needed": "Outcomes in a row that bring a goal back.",
        "missed": "Outcomes of a goal that were missed in its period.",
        "open_at_risk": "Open targets of a goal that are late or due soon.",
    }
    for name, meaning in helps.items() if figures else ():
        samples: list[Sample] = [
            ({"objective": row["name"], "period": row["period"]}, row[name]) for row in figures if row[name] is not None
        ]
        yield f"objective_{name}", "gauge", meaning, samples


def _synced(transaction: "Transaction", names: Sequence[str] | None) -> Iterator[Family]:
    """Yield the last runs of the sources; a source that was never synced has the instant 0, so that an alert fires."""
    found = runs.synced_sources(transaction) if names is None else names
    if not found:
        return
    states = [runs.source_state(transaction, name) for name in found]
    labels = [{"source": state.source} for state in states]

    def instants(texts: Iterable[str | None]) -> list[Sample]:
        return [(label, from_text(text).timestamp() if text else 0) for label, text in zip(labels, texts, strict=True)]

    good = instants(state.good[0] if state.good else None for state in states)
    yield "sync_last_success_timestamp_seconds", "gauge", "Start of the last good sync of a source; 0: never.", good
    last = instants(state.started_at for state in states)
    yield "sync_last_run_timestamp_seconds", "gauge", "Start of the last sync of a source; 0: never.", last
    codes: list[Sample] = [({"source": each.source}, each.exit_code) for each in states if each.exit_code is not None]
    yield "sync_last_run_exit_code", "gauge", "Exit code of the last sync of a source.", codes


def _gauge(name: str, meaning: str, *values: float) -> Family:
    return name, "gauge", meaning, [({}, value) for value in values]


def exposition(families: Iterator[Family]) -> Iterator[str]:
    """Yield the lines of Prometheus' text format."""
    for name, kind, meaning, samples in families:
        yield f"# HELP slactl_{name} {meaning}"
        yield f"# TYPE slactl_{name} {kind}"
        for labels, value in samples:
            inside = ",".join(f'{label}="{clean(str(text)).translate(ESCAPES)}"' for label, text in labels.items())
            yield f"slactl_{name}{f'{{{inside}}}' if inside else ''} {value:.15g}"


def send_heartbeat(heartbeat: Heartbeat, secrets: Secrets) -> str | None:
    """Request the URL once, in at most `HEARTBEAT_SECONDS`; return why that failed, without the URL, or None.

    A thread makes the request and is abandoned when the time is over. A slow name server, or an answer of one byte
    at a time, can take far longer than the timeout of a socket.
    """
    from threading import Thread

    outcome: list[str | None] = []
    thread = Thread(target=lambda: outcome.append(_ask_for(heartbeat, secrets)), daemon=True)
    thread.start()
    thread.join(HEARTBEAT_SECONDS)
    return outcome[0] if outcome else f"no answer within {HEARTBEAT_SECONDS} s"


def _ask_for(heartbeat: Heartbeat, secrets: Secrets) -> str | None:
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

    class Refusing(HTTPRedirectHandler):
        """Follow no redirect: the secret address must reach no other server."""

        def redirect_request(self, *_: object) -> None:
            return None

    try:
        url = filled_in(heartbeat.url, secrets)
        if scheme(url) not in ("https", "http"):
            return "it is not a URL"
        if scheme(url) == "http" and not is_local(url) and not heartbeat.allow_http:
            return "the URL is not https; settings.allow_http = true allows it"
        through = proxy(url, heartbeat.proxy, secrets, allow_http=heartbeat.allow_http)
        # Without a handler of its own, a proxy of the environment would read the address.
        opener = build_opener(Refusing, ProxyHandler({"http": through, "https": through} if through else {}))
        with opener.open(Request(url, headers={"User-Agent": "slactl"}), timeout=HEARTBEAT_SECONDS):
            return None
    except HTTPError as error:
        return f"the server answered with status {error.code}"
    except URLError as error:
        reason = error.reason
        return with_errno(type(reason).__name__, reason) if isinstance(reason, Exception) else "the URL cannot be used"
    except Refused as error:
        return f"{error}: {error.fix}" if error.fix else str(error)
    except Unresolved as error:
        return str(error)
    except Exception as error:
        return with_errno(type(error).__name__, error)  # a thread would print the text, with the URL
