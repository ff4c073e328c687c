"""The addresses messages go to, as the rules write them: Apprise URLs whose secrets stand outside of the file."""

import hashlib
import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

#: What is read only when something is sent: `${env:NAME}` and `${file:PATH}`.
PLACEHOLDER = re.compile(r"\$\{(env|file):([^}]+)\}")

MAIL_SCHEMES = ("mailto", "mailtos")

#: Schemes whose URLs name a place: all but logins and options may stand in the rules, unless it looks like a token.
OPEN_SCHEMES = (
    *("json", "jsons", "xml", "xmls", "form", "forms", *MAIL_SCHEMES),
    *("syslog", "rsyslog", "dbus", "kde", "qt", "glib", "gnome", "macosx", "windows"),
)

#: Services on hosts of one's own: the host may stand in the rules. Of every other service all of a URL is a secret.
HOSTED_SCHEMES = (
    *("gotify", "gotifys", "hassio", "hassios", "mmost", "mmosts", "ncloud", "nclouds", "nctalk", "nctalks"),
    *("ntfy", "ntfys", "rocket", "rockets", "signal", "signals", "synology", "synologys", "http", "https"),
)

#: Options that have no secret with any service, and those that have none in a mail URL.
OPTIONS = (
    *("avatar", "cto", "emojis", "footer", "format", "image", "method", "mode", "name", "overflow", "redirect"),
    *("retry", "rto", "store", "tag", "tags", "tz", "verify", "wait"),
)
MAIL_OPTIONS = ("from", "to", "cc", "bcc", "reply", "smtp")

# What stands for a placeholder while a URL is looked at: a character that nobody types.
_HOLE = "\ue000"

_TOKEN = re.compile(r"(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{16,}|[A-Za-z0-9]{21,}")
# Elsewhere than in a host name dots and the like are part of a token.
_DOTTED_TOKEN = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_.~%=+-]{24,}")
# A room or a number to which a service brings a message.
_TARGET = re.compile(r"#[\w.-]{1,40}|[+-]?\d{1,20}")
_KIND_OF_SECRET = re.compile(r"\s*(bearer|basic|token)\s*", re.IGNORECASE)
_HOST = re.compile(rf"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(:(\d{{1,5}}|{_HOLE}))?")


def has_literal_secret(url: str, *, page: bool = False) -> bool:
    """Whether a URL has something outside `${…}` that is a secret, or could be one.

    Logins, headers and most options could. `page` is for a URL that is asked for as it stands, such as a heartbeat's;
    that of a chat's web hook is a secret from its path on.
    """
    scheme_, separator, rest = PLACEHOLDER.sub(_HOLE, url).partition("://")
    if not separator:  # a placeholder may bring the scheme; what is no URL at all is another mistake
        scheme_, rest = "", scheme_ if scheme_.startswith(_HOLE) else ""
    kind = scheme_.lower()
    place, _, query = rest.partition("?")
    names_place = kind in OPEN_SCHEMES or (page and kind in ("http", "https"))
    login, host, path = _parts(place, kind, names_place=names_place)
    if not names_place and _HOLE in login + host:  # the secret is brought; whom it is for may be read
        path = "/".join(each for each in path.split("/") if not _TARGET.fullmatch(each) or _looks_like_token(each))
    if _is_literal(login) or (_looks_like_token(path) if names_place else _is_literal(path)):
        return True
    shows_host = names_place or kind in HOSTED_SCHEMES
    if not _HOST.fullmatch(host) or any(map(_TOKEN.fullmatch, host.split(":"))) if shows_host else _is_literal(host):
        return True
    harmless = OPTIONS + (MAIL_OPTIONS if kind in ("", *MAIL_SCHEMES) else ())
    return any(_option_has_secret(each, harmless) for each in re.split("[&;]", query))


def without_literal_secrets(text: str, *, page: bool = True) -> str:
    """A text in which URLs that could have a secret are cut after their scheme."""
    found = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://|\$\{(?:env|file):)[^\"'\n]+")
    return found.sub(lambda match: label(match[0]) if has_literal_secret(match[0], page=page) else match[0], text)


def _parts(place: str, kind: str, *, names_place: bool) -> tuple[str, str, str]:
    """What logs in, the host and the path. A user's name goes with the path where it is no secret."""
    if kind in MAIL_SCHEMES:  # the path has addresses
        authority, _, path = place.partition("/")
        login, _, host = authority.rpartition("@")
    else:
        login, _, rest = place.rpartition("@")
        host, _, path = rest.partition("/")
    user, _, password = login.partition(":")
    if kind in MAIL_SCHEMES or (names_place and password == _HOLE):
        return password, host, f"{user}/{path}"
    return login, host, path


def _is_literal(text: str) -> bool:
    """Whether there is more than placeholders and what parts them."""
    return re.search(rf"[^{_HOLE}/:@,#.\s-]", text) is not None


def _looks_like_token(text: str) -> bool:
    for _ in range(3):  # however often it is encoded
        text = unquote(text)
    parts = re.split("[/:@#,;&]", text)
    return any(map(_TOKEN.fullmatch, parts)) or any(map(_DOTTED_TOKEN.fullmatch, parts))


def _option_has_secret(option: str, harmless: tuple[str, ...]) -> bool:
    name, _, value = option.partition("=")
    name, value = unquote(name), unquote(value)
    if name.strip().lower() in harmless or not value:
        return _looks_like_token(value) or (not value and _is_literal(name) and name.strip().lower() not in harmless)
    return _is_literal(value) and not (_HOLE in value and _KIND_OF_SECRET.fullmatch(value.replace(_HOLE, "")))


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


def is_local(url: str) -> bool:
    """Whether what a URL says never leaves this machine."""
    return is_loopback(host(url))


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


def host(url: str) -> str:
    """Return the host of a URL; empty where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
