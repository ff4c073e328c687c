"""The secrets that addresses name: read only when something is sent, and never shown again."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from slactl.sla.addresses import PLACEHOLDER
from slactl.text import clean

#: The largest file that can be a secret, in bytes.
SECRET_BYTES = 65_536

# What was handed out in this process. A library may put it into an error, and whoever shows that leaves it out.
_handed_out: set[str] = set()


class Unresolved(Exception):
    """An address that cannot be used; the message says why, without its secrets."""


class Secrets(NamedTuple):
    """Where secrets come from: the environment, and files beside the rules where their path is relative."""

    environment: Mapping[str, str]
    folder: Path


def filled_in(url: str, secrets: Secrets) -> str:
    """The URL with its secrets, for the sender alone.

    Raises:
        Unresolved: a variable or file is missing.
    """
    found = PLACEHOLDER.sub(lambda match: secret(match[1], match[2], secrets), url)
    if found != url:
        _handed_out.add(found)
    return found


def secret(kind: str, name: str, secrets: Secrets) -> str:
    """What a placeholder of `kind` env or file stands for, without blanks around it.

    Raises:
        Unresolved: it is not there, empty, or no text.
    """
    found = secrets.environment.get(name, "").strip() if kind == "env" else _content(name, secrets.folder)
    if not found:
        named = clean(name)
        raise Unresolved(
            f"the environment variable {named} is not set" if kind == "env" else f"the file {named} is empty"
        )
    _handed_out.add(found)
    return found


def _content(name: str, folder: Path) -> str:
    try:
        path = folder / Path(name).expanduser()
        if not path.is_file() or path.stat().st_size > SECRET_BYTES:
            raise Unresolved(f"the file {clean(name)} {'is too large' if path.is_file() else 'is not there'}")
        return path.read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        told = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        why = getattr(error, "strerror", None) or told
        raise Unresolved(f"the file {clean(name)} cannot be read: {why}") from None


def is_exposed(name: str, secrets: Secrets) -> bool:
    """Whether everybody on this machine can read the file of a secret.

    Raises:
        OSError: it is not there.
    """
    return bool((secrets.folder / Path(name).expanduser()).stat().st_mode & 0o004)


def without_secrets(text: str) -> str:
    """The text without any secret that was handed out in this process."""
    for each in sorted(_handed_out, key=len, reverse=True):
        for form in (each, repr(each)[1:-1]):
            text = text.replace(form, "…")
    return text
