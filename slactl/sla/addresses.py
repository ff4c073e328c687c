"""The addresses messages go to, as the rules write them: Apprise URLs whose secrets stand outside of the file."""

import hashlib
import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

#: What is read only when something is sent: `${env:NAME}` and `${file:PATH}`.
PLACEHOLDER = re.compile(r"\$\{(env|file):([^}]+)\}")

#: Apprise's generic webhooks without TLS; each has a sister with an "s" at the end.
PLAIN_WEBHOOKS = ("json", "xml", "form")

MAIL_SCHEMES = ("mailto", "mailtos")

_TOKEN = re.compile(r"(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{16,}")
# Elsewhere than in a host name dots and the like are part of a token.
_DOTTED_TOKEN = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_.~%=+-]{24,}")
_KIND_OF_SECRET = re.compile(r"(bearer|basic|token)\s*$", re.IGNORECASE)
_SECRET_KEY = re.compile(r"pass|pwd|token|secret|api_?key|auth|^key$", re.IGNORECASE)


def has_literal_secret(url: str) -> bool:
    """Whether a URL has a password, or something that looks like a token, outside `${…}`."""
    rest = PLACEHOLDER.sub("", url).partition("://")[2]
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    user, at, host = authority.rpartition("@")
    password = user.partition(":")[2] if at else ""
    # Some services have their token where a port would be.
    short = [*host.split(":"), *re.split("[/:]", path), *user.split(":")]
    dotted = [*re.split("[/:]", path), *user.split(":")]
    found = any(map(_TOKEN.fullmatch, short)) or any(map(_DOTTED_TOKEN.fullmatch, dotted))
    return bool(password) or found or _query_has_secret(query)


def _query_has_secret(query: str) -> bool:
    values = [(name, value) for name, value in parse_qsl(query) if not _KIND_OF_SECRET.match(value)]
    return any(_SECRET_KEY.search(name) or _TOKEN.fullmatch(value) for name, value in values)


def label(url: str) -> str:
    """What an address is called where people read it: never more than its scheme and the names of its secrets."""
    scheme, separator, rest = PLACEHOLDER.sub("", url).partition("://")
    names = " ".join(match[0] for match in PLACEHOLDER.finditer(url))
    if not separator or url.startswith("${"):
        return names
    return f"{scheme}://…" + (f" ({names})" if rest and names else "")


def key(url: str) -> str:
    """What tells one address of a recipient from the others; of the text in the rules, so that no secret is in it."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def scheme(url: str) -> str:
    """The scheme of a URL in small letters; empty where it has none, or where a placeholder stands there."""
    return url.partition("://")[0].lower() if "://" in url and not url.startswith("${") else ""


def is_plain_webhook(url: str) -> bool:
    """Whether this is a generic webhook without TLS on another machine."""
    return scheme(url) in PLAIN_WEBHOOKS and not is_loopback(_host(url))


def is_local(url: str) -> bool:
    """Whether what a URL says never leaves this machine."""
    return is_loopback(_host(url))


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def has_receiver(url: str) -> bool:
    """Whether a mail URL says itself to whom the mail goes, in its query or after the host."""
    place, _, query = url.partition("?")
    path = place.partition("://")[2].partition("/")[2]
    return bool(path) or any(name.lower() in ("to", "cc", "bcc") for name, _ in parse_qsl(query))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
