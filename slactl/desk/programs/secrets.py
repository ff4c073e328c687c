"""Read the secrets that addresses name, only when something is sent, and never show them."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from slactl.desk.ledger.trust import Doubt, rules_trust, user_name
from slactl.files import open_regular, real_path
from slactl.places import is_ours
from slactl.sla.rules.addresses import (
    MAIL_SCHEMES,
    ON_THIS_MACHINE,
    PLACEHOLDER,
    SYSLOG_SCHEMES,
    host,
    is_local,
    scheme,
    sends_login,
)
from slactl.text import clean, quoted

#: Schemes of addresses to which no message goes through an HTTP proxy.
DIRECT = ON_THIS_MACHINE | {*MAIL_SCHEMES, *SYSLOG_SCHEMES}

#: The largest file that can be a secret, in bytes.
SECRET_BYTES = 65_536

# The flags to open a folder in order to open its files, also without the right to list it, if the system allows that.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

# The secrets read in this process. A library may put one into an error; `without_secrets` removes it.
_secrets_read: set[str] = set()


class Unresolved(Exception):
    """Report an address that cannot be used; the message says why, without its secrets."""


class Unusable(Unresolved):
    """Report a value of a ticket that may not become an argument of a command, whoever runs the command."""


class Refused(Unresolved):
    """Report a secret that slactl refuses to read until a person fixes something; messages that need it wait."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


class NotYours(Refused):
    """Report a secret that belongs to another user, which is right when that user runs `check`."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The sources of secrets: the environment, and the files in one folder.

    `stated` is that folder as `settings.secrets` has it; a relative path starts at the folder of the rules. With
    `doubts`, because others can change the rules, no secret is read.
    """

    environment: Mapping[str, str]
    rules: Path
    stated: str = "secrets"
    doubts: tuple[Doubt, ...] = ()

    @classmethod
    def of(cls, rules: Path, stated: str, environment: Mapping[str, str]) -> Self:
        """Return the sources of a rules file's secrets, with the doubts if others can change the rules."""
        return cls(environment, rules.absolute(), stated, rules_trust(rules))

    @property
    def folder(self) -> Path:
        """Return the one folder in which secrets are read."""
        return Path(os.path.normpath(self.rules.parent / Path(self.stated).expanduser()))

    def file(self, name: str) -> Path:
        """Return the file that `${file:NAME}` means.

        A relative name starts at the folder of the rules if this leads into the folder of secrets; otherwise at
        the folder of the secrets.

        Raises:
            Refused: the file is outside of the folder for secrets.
        """
        stated = Path(name).expanduser()
        beside = Path(os.path.normpath(self.rules.parent / stated))
        if ".." not in stated.parts:
            if beside != self.folder and beside.is_relative_to(self.folder):
                return beside
            if not stated.is_absolute():
                return self.folder / stated
        raise self.outside(name, stated)

    def outside(self, name: str, path: Path) -> Refused:
        """Return the error for a file outside of the folder for secrets, with the command that moves it."""
        what = f"the file {clean(name)} is outside of the folder for secrets, {clean(str(self.folder))}"
        is_absolute = Path(name).expanduser().is_absolute()
        if ".." in path.parts or not os.path.isfile(path):
            return Refused(what)
        if is_absolute and (os.stat(path.parent).st_mode & 0o077 == 0 or path.parent.name == "secrets"):
            sudo = "" if os.access(self.rules, os.W_OK) else "sudo "
            command = f"{sudo}slactl --rules {quoted(self.rules)} rules set settings.secrets {quoted(path.parent)}"
            return Refused(what, command)
        folder, secret_ = quoted(self.folder), quoted(path)
        fix = f"install -d -m 0700 {folder} && chmod 600 {secret_} && mv {secret_} {folder}"
        named = f"; move it, and write ${{file:{clean(path.name)}}}" if is_absolute else ""
        return Refused(what + named, fix)


def filled_in(url: str, secrets: Secrets, values: Mapping[str, str] | None = None) -> str:
    """Return the URL or argument with its secrets, for the sender alone, and with the values of other placeholders.

    Nothing is filled in twice, so that a value cannot name a secret.

    Raises:
        Unresolved: a variable or file is missing.
        Refused: others may change the rules, or a file may not be read.
    """
    if secrets.doubts:
        raise Refused("others may change the rules")
    known = values or {}
    holes = re.compile("|".join((PLACEHOLDER.pattern, *map(re.escape, known))))
    whole = holes.sub(lambda match: secret(match[1], match[2], secrets) if match[1] else known[match[0]], url)
    if PLACEHOLDER.search(url):
        _secrets_read.add(whole)
    return whole


def proxy(url: str, stated: str | None, secrets: Secrets, *, allow_http: bool = False) -> str:
    """Return the proxy for a message to `url`, with its secrets; empty if slactl sends the message directly.

    `stated` is `settings.proxy`. A mistake in it concerns many addresses, so their messages wait until it is fixed.

    Raises:
        Refused: a variable or file is missing or may not be read, or `stated` is not the URL of an HTTP proxy.
    """
    if not stated or is_local(url) or scheme(url) in DIRECT:
        return ""
    try:
        whole = filled_in(stated, secrets)
        if whole and (scheme(whole) not in ("http", "https") or not host(whole)):
            raise Unresolved("it is not the URL of an HTTP proxy")
        if sends_login(whole) and not allow_http:
            raise Unresolved("the login would go to the proxy without TLS; settings.allow_http = true allows it")
    except Unresolved as error:
        raise Refused(f"settings.proxy: {error}", error.fix if isinstance(error, Refused) else None) from None
    return whole


def secret(kind: str, name: str, secrets: Secrets) -> str:
    """Return the secret that a placeholder of `kind` env or file stands for, without blanks around it.

    Raises:
        Unresolved: the secret does not exist, is empty, or is not a text.
        Refused: others may change the rules, or read the file.
    """
    if secrets.doubts:
        raise Refused("others may change the rules")
    value = secrets.environment.get(name, "").strip() if kind == "env" else _content(name, secrets)
    if not value:
        named = clean(name)
        raise Unresolved(
            f"the environment variable {named} is not set" if kind == "env" else f"the file {named} is empty"
        )
    _secrets_read.add(value)
    return value


def _content(name: str, secrets: Secrets) -> str:
    named = clean(name)
    try:
        path = secrets.file(name)
        with _opened(path, secrets.folder) as stream:
            content = stream.read(SECRET_BYTES + 1)
        if len(content) > SECRET_BYTES:
            raise Unresolved(f"the file {named} is too large")
        return content.decode().strip()
    except FileNotFoundError:
        old = secrets.rules.parent / name
        if os.path.isfile(old) and old != path:
            raise secrets.outside(name, old) from None
        raise Unresolved(f"the file {named} does not exist") from None
    except PermissionError as error:
        raise NotYours(f"the file {named} cannot be read: {error.strerror}", f"ls -l {quoted(path)}") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Refused(f"a symbolic link is on the path to the file {named}", f"ls -l {quoted(path)}") from None
        raise Unresolved(f"the file {named} cannot be read: {error.strerror}") from None
    except (RuntimeError, ValueError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Unresolved(f"the file {named} cannot be read: {why}") from None


def _opened(path: Path, folder: Path) -> BinaryIO:
    """Open a file folder by folder, so that nobody can exchange a folder on the path, and follow no link.

    Raises:
        OSError: the file does not exist or cannot be read, or a link is on the path.
        Refused: others may read or write the file, or its folder.
    """
    real = real_path(folder)
    steps, first = (*real.parts[1:], *path.relative_to(folder).parts), len(real.parts) - 1
    handle = os.open("/", _FOLDER)
    try:
        for number, step in enumerate(steps[:-1], start=1):
            below = os.open(step, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = below
            if number >= first:
                refuse_others(os.fstat(handle), Path("/", *steps[:number]))
        stream = open_regular(steps[-1], follow=False, dir_fd=handle)
    finally:
        os.close(handle)
    try:
        refuse_others(os.fstat(stream.fileno()), Path("/", *steps))
    except BaseException:
        stream.close()
        raise
    return stream


def refuse_others(status: os.stat_result, path: Path) -> None:
    """Refuse a secret, or a folder of secrets, that others can read or write, or that another user owns."""
    kind, mode = ("folder", 700) if stat.S_ISDIR(status.st_mode) else ("file", 600)
    if status.st_mode & 0o077:
        # Suggest to close only a folder for secrets: other people may need any other folder.
        is_small = kind == "file" or path.name == "secrets"
        fix = f"chmod {mode} {quoted(path)}" if is_small else f"ls -ld {quoted(path)}"
        raise Refused(f"others may read the secret {kind} {clean(str(path))}", fix)
    if not is_ours(status):
        owner = user_name(status.st_uid)
        raise NotYours(f"the secret {kind} {clean(str(path))} belongs to {owner}", f"sudo -u {owner} slactl check")


def without_secrets(text: str) -> str:
    """Return a text without any secret that was read in this process, also as programs write it in URLs and headers."""
    for secret_ in sorted(_secrets_read, key=len, reverse=True):
        for form in _forms(secret_):
            text = text.replace(form, "…")
    return text


def _forms(secret_: str) -> Iterator[str]:
    """Yield how programs write a secret: as it is, as Python shows it, in URLs, and in base64 without its last part."""
    from base64 import b64encode, urlsafe_b64encode
    from urllib.parse import quote, quote_plus

    encoded = secret_.encode(errors="surrogateescape")
    yield from (secret_, repr(secret_)[1:-1], quote(encoded, safe=""), quote_plus(encoded), quote(encoded))
    whole = len(encoded) // 3 * 4  # what follows depends on the text after the secret
    if len(encoded) >= 6:
        for written in (b64encode(encoded), urlsafe_b64encode(encoded)):
            yield from (written.decode().rstrip("="), written.decode()[:whole])
