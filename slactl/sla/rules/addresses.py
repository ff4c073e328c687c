"""Read the addresses of messages as the rules write them: Apprise URLs whose secrets stand outside of the file."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from slactl.sla.rules.lines import KeyPath, Problem
from slactl.text import clean, did_you_mean

#: A secret that slactl reads only when it sends something: `${env:NAME}` and `${file:PATH}`.
PLACEHOLDER = re.compile(r"\$\{(env|file):([^}]+)\}")

MAIL_SCHEMES = ("mailto", "mailtos")

#: Schemes of addresses without a login.
SYSLOG_SCHEMES = ("syslog", "rsyslog")

#: Schemes of Apprise whose messages stay on this machine.
ON_THIS_MACHINE = frozenset(("blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"))

#: Schemes of web hooks and pages; for this machine their path may be readable in the rules.
WEB_SCHEMES = ("json", "jsons", "xml", "xmls", "form", "forms", "http", "https")

#: Options that are never secret, in the addresses that may be readable in the rules.
OPTIONS = ("bcc", "cc", "format", "from", "method", "mode", "name", "overflow", "reply", "smtp", "to", "verify")

# Takes the place of a placeholder while a URL is examined: a character that nobody types.
_HOLE = "\ue000"

_HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(:(\d{{1,5}}|{_HOLE}))?")

# The login of each URL in an argument, up to the last @ before the path, and whether the URL is one of the web.
_LOGIN = re.compile(r"(https?)?://([^/?#\s]+)@", re.IGNORECASE)

# An option whose value is a secret, and a header, an option or a field with its value.
_CREDENTIAL_NAME = r"(?:token|password|passwd|passphrase|secret|api[-_]?key|private[-_]?key|oauth2-bearer)"
_CREDENTIAL_OPTION = re.compile(rf"--?(?:[\w-]+-)?{_CREDENTIAL_NAME}", re.IGNORECASE)
_CREDENTIAL = re.compile(
    rf"(?:authorization\s*:\s*(?:\w+\s+)?|cookie\s*:|{_CREDENTIAL_NAME}\s*[:=])\s*([^\s&]*)", re.IGNORECASE
)

# Options of curl whose value is `NAME:SECRET` or `NAME=SECRET`.
_PAIR_OPTIONS = ("-u", "--user", "--proxy-user", "-b", "--cookie")

#: What the command of an address may have in its arguments: ids, and fields of closed sets. Text of strangers is not
#: among them.
FIELDS = ("{id}", "{external_id}", "{source}", "{status}", "{priority}", "{target}", "{escalation}", "{level}")

#: Words that connect the commands of a shell.
SHELL_WORDS = ("|", "||", "&&", "&", ";", ">", ">>", "<", "2>&1")

# A URL in a text, with the key before it if that is `ticket_url`: messages show that URL, so it is not secret.
_URL = re.compile(r"""(ticket_url["']?\s*=\s*["']+)?((?:[A-Za-z][A-Za-z0-9+.-]*://|\$\{(?:env|file):)[^"'\n]+)""")


def has_literal_secret(url: str) -> bool:
    """Return whether a URL has text outside of `${…}` that is a secret or could be one.

    An address of mail, syslog or this machine may be literal, but not its password and most options. In every other
    address, everything behind the scheme must come from `${…}`.
    """
    kind, separator, rest = PLACEHOLDER.sub(_HOLE, url).partition("://")
    if not separator:  # a placeholder can stand for the scheme too; a text without any is another mistake
        kind, rest = "", kind if kind.startswith(_HOLE) else ""
    kind = kind.lower()
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, _, host = authority.rpartition("@")
    known, is_mail = _HOST.fullmatch(host), kind in MAIL_SCHEMES
    if known is None or not (is_mail or kind in SYSLOG_SCHEMES or is_loopback(known[1])):
        return is_literal(place + query)
    may_show_path = is_mail or (kind in (*SYSLOG_SCHEMES, *WEB_SCHEMES) and "@" not in path)
    if is_literal(login.partition(":")[2]) or (is_literal(path) and not may_show_path):
        return True
    options = (option.partition("=") for option in re.split("[&;]", query))
    return any(
        unquote(name).strip().lower() not in OPTIONS and is_literal(unquote(value or name))
        for name, _, value in options
    )


def has_literal_login(url: str) -> bool:
    """Return whether a URL has a user or a password outside of `${…}`."""
    return is_literal(_login(PLACEHOLDER.sub(_HOLE, url)))


def has_literal_credential(argument: str, before: str) -> bool:
    """Return whether an argument of a command has a text outside of `${…}` that is a secret or could be one.

    `before` is the argument before it, whose value it may be: `--token VALUE`, `-u USER:PASSWORD`.
    """
    text = PLACEHOLDER.sub(_HOLE, argument)
    for is_web, login in _LOGIN.findall(text):
        user, colon, password = login.partition(":")
        if is_literal(password if colon or not is_web else user):  # a token may stand in the place of the user
            return True
    if _CREDENTIAL_OPTION.fullmatch(before) and not text.startswith("-"):
        return is_literal(text)
    option, _, value = text.partition("=")
    pair = text if before in _PAIR_OPTIONS else value if option in _PAIR_OPTIONS else None
    if pair is not None:
        return any(map(is_literal, re.split("[:=]", pair, maxsplit=1)[1:]))
    named = _CREDENTIAL.search(text)
    return named is not None and is_literal(named[1])


def command_problems(path: KeyPath, command: Sequence[str], fields: Sequence[str]) -> Iterator[Problem]:
    """Yield what a command has that only a shell would understand, its literal secrets, and misspelt `fields`."""
    program, *words = command
    if not program.strip():
        yield (*path, 0), "the name of the program is empty"
    elif "/" not in program and " " in program.strip():
        yield (*path, 0), 'the name of the program has a blank; write each argument on its own: ["gh", "issue", "list"]'
    elif program.startswith("~"):
        yield (*path, 0), "no shell runs the command, so ~ means nothing; write the whole path"
    for number, word in enumerate(words, 1):
        if word in SHELL_WORDS:
            yield (*path, number), f"no shell runs the command, so {word} is only an argument; put it into a script"
        yield from (((*path, number), problem) for problem in _field_problems(word, fields))
        if has_literal_credential(word, words[number - 2] if number > 1 else ""):
            what = "the argument has a literal secret or a text that could be one"
            yield (*path, number), f"{what}; store it in ${{env:NAME}} or ${{file:PATH}}"


def _field_problems(word: str, fields: Sequence[str]) -> Iterator[str]:
    """Yield what stands in braces and is not a field; a command of a source may have braces of its own."""
    for stated in re.findall(r"\$?\{\s*\w+\s*\}", word):
        name = stated.lstrip("$")
        if fields is FIELDS and stated not in fields:
            meant = did_you_mean(name, fields, f"; fields: {' '.join(fields)}")
            yield f"{stated} is not filled in{meant}"
        elif name not in fields and re.fullmatch(r"(?i)\{\s*[since]{4,6}\s*\}", name):
            yield f"{stated} is not filled in; write {fields[0]}"


def address_command_problems(path: KeyPath, command: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with the command of an address."""
    yield from command_problems(path, command, FIELDS)
    if re.search(r"\{\w+\}", PLACEHOLDER.sub("", command[0])):
        yield (*path, 0), "the program may have no field of a ticket; write its name"


def sends_login(url: str) -> bool:
    """Return whether a URL has a login that goes to another machine without TLS."""
    return _login(url) != "" and scheme(url) == "http" and not is_local(PLACEHOLDER.sub("x", url))


def _login(url: str) -> str:
    return re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0].rpartition("@")[0]


def without_literal_secrets(text: str) -> str:
    """Return a text with each URL that could have a secret cut after its scheme."""

    def shown(match: re.Match[str]) -> str:
        return match[0] if match[1] or not has_literal_secret(match[2]) else label(match[2])

    return _URL.sub(shown, text)


def is_literal(text: str) -> bool:
    """Return whether a text has more than placeholders and separators."""
    return re.search(rf"[^{_HOLE}/:@,#.\s-]", text) is not None


def label(url: str) -> str:
    """Return the name of an address for people: its scheme and the names of its secrets, and nothing else."""
    scheme, separator, rest = PLACEHOLDER.sub("", url).partition("://")
    names = " ".join(match[0] for match in PLACEHOLDER.finditer(url))
    if not separator or url.startswith("${"):
        return names
    return f"{scheme}://…" + (f" ({names})" if rest and names else "")


def key(url: str) -> str:
    """Return a key for an address among those of a recipient, made from the text in the rules, without secrets."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def command_label(command: Sequence[str]) -> str:
    """Return the name of a command for people: its program, without secrets."""
    return f"command {clean(PLACEHOLDER.sub('…', command[0]))}"


def command_key(command: Sequence[str]) -> str:
    """Return a key for a command among the addresses of a recipient, as `key` does."""
    return key(json.dumps(list(command)))


def scheme(url: str) -> str:
    """Return the scheme of a URL in small letters; empty without one, or with a placeholder in its place."""
    return url.partition("://")[0].lower() if "://" in url and not url.startswith("${") else ""


def known_scheme(name: str) -> bool:
    """Return whether Apprise knows a scheme on this machine; this imports Apprise."""
    from apprise import NotificationManager

    return name in NotificationManager()  # type: ignore[no-untyped-call]


def is_local(url: str) -> bool:
    """Return whether messages to a URL never leave this machine."""
    return is_loopback(host(url))


def is_loopback(host: str) -> bool:
    """Return whether a host can only be this machine."""
    host = host.lower().strip("[]")
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def has_receiver(url: str) -> bool:
    """Return whether a mail URL itself names who gets the mail, in its query or after the host."""
    place, _, query = url.partition("?")
    path = place.partition("://")[2].partition("/")[2]
    return bool(path) or any(name.lower() in ("to", "cc", "bcc") for name, _ in parse_qsl(query))


def host(url: str) -> str:
    """Return the host of a URL; empty if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
