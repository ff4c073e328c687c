"""The settings of an invocation: database, rules, actor, display zone, colour, and the source of each."""

import os
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

#: The source of the rules where there is no other file.
SHIPPED = "shipped with slactl"

#: The most characters of a host name that are kept.
MOST_NAME = 100


class Color(StrEnum):
    """The values of `--color`."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Config(NamedTuple):
    """The settings of one invocation; `sources` has the flag or variable of each."""

    database: Path
    rules: Path
    actor: str
    color: Color
    debug: bool
    sources: Mapping[str, str]
    #: The name of the display zone; None is the machine's.
    timezone: str | None = None

    def pasted(self, command: str) -> str:
        """Return a command for people to paste, with the database, the rules and the zone as typed."""
        import re

        from slactl.text import quoted

        zone = "--utc" if self.sources["timezone"] == "--utc" else f"--timezone {self.timezone}"
        places = {
            "database": f" --db {quoted(self.database)}",
            "rules": f" --rules {quoted(self.rules)}",
            "timezone": f" {zone}",
        }
        typed = "".join(option for name, option in places.items() if self.sources[name].startswith("--"))
        starts = r"(^|(?:&&|\|\||[|;{(]|xargs|sudo(?: -[EH]| -u \S+)*) )slactl (?!-|help\b|demo\b)"
        return re.sub(starts, lambda start: f"{start[1]}slactl{typed} ", command) if typed else command


def shipped_rules() -> Path:
    """Return the rules that come with the program: beside the modules, or one folder up in a checkout."""
    here = Path(__file__).resolve().parent
    inside = here / "rules.toml"
    return inside if inside.is_file() else here.parent / "rules.toml"


def resolve(
    environment: Mapping[str, str],
    db: str | None = None,
    rules: str | None = None,
    actor: str | None = None,
    color: Color = Color.AUTO,
    debug: bool = False,
    timezone: str | None = None,
    utc: bool = False,
) -> Config:
    """Resolve each setting: flag before environment before default.

    Raises:
        UsageError: the path or the name given is empty, or two zones are given.
    """
    from slactl.errors import UsageError

    if utc and timezone is not None:
        raise UsageError("use either --timezone or --utc", "slactl --utc list")
    db_path, db_source = _first(("--db", db), ("SLACTL_DB", environment.get("SLACTL_DB")))
    rules_path, rules_source = _first(("--rules", rules), ("SLACTL_RULES", environment.get("SLACTL_RULES")))
    who, who_source = _first(("--actor", actor), ("SLACTL_ACTOR", environment.get("SLACTL_ACTOR")))
    named_zone = (("--utc", "UTC" if utc else None), ("SLACTL_TZ", environment.get("SLACTL_TZ")))
    zone, zone_source = _first(("--timezone", timezone), *named_zone)
    found_rules, found_source = (Path(rules_path), rules_source) if rules_path else _find_rules(environment)
    return Config(
        database=expanded(db_path) if db_path else default_database(environment),
        rules=expanded(found_rules),
        actor=_stated_actor(who, who_source) if who else _login_actor(environment),
        color=color,
        debug=debug,
        sources={"database": db_source, "rules": found_source, "actor": who_source, "timezone": zone_source},
        timezone=zone,
    )


def default_database(environment: Mapping[str, str]) -> Path:
    """Return `$XDG_DATA_HOME/slactl/slactl.db`; never a path in the working directory."""
    return base_folder(environment, "XDG_DATA_HOME", ".local/share") / "slactl" / "slactl.db"


def user_rules(environment: Mapping[str, str]) -> Path:
    """Return `$XDG_CONFIG_HOME/slactl/rules.toml`, which `init` writes by default."""
    return base_folder(environment, "XDG_CONFIG_HOME", ".config") / "slactl" / "rules.toml"


def host_name() -> str:
    """Return the name of this host, without spaces; no other host of the service desk may have the same."""
    name = os.uname().nodename.encode("ascii", "backslashreplace").decode()
    return "_".join(name.split())[:MOST_NAME] or "-"


def state_folder(environment: Mapping[str, str]) -> Path:
    """Return `$XDG_STATE_HOME/slactl`, where a run of this user leaves files for the next one."""
    return base_folder(environment, "XDG_STATE_HOME", ".local/state") / "slactl"


def base_folder(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """Return the base folder that a variable of the XDG specification names."""
    named = environment.get(variable, "")
    # The base directory specification says that a relative path is to be ignored.
    return Path(named) if named.startswith("/") else expanded(environment.get("HOME") or "~") / default


def expanded(path: Path | str) -> Path:
    """Return a path with its `~` replaced by the home folder."""
    from slactl.errors import RulesError

    try:
        return Path(path).expanduser()
    except RuntimeError:
        hint = "export SLACTL_DB=/srv/desk/slactl.db SLACTL_RULES=/etc/slactl/rules.toml"
        raise RulesError(f"there is no home folder for {path}", hint) from None


def _find_rules(environment: Mapping[str, str]) -> tuple[Path, str]:
    from slactl.errors import RulesError

    places = [Path("/etc/slactl/rules.toml")]
    with suppress(RulesError):  # a user without a home
        places.insert(0, user_rules(environment))
    for path in places:
        if is_there(path):
            return path, "found"
    return shipped_rules(), SHIPPED


def is_there(path: Path) -> bool:
    """Return whether a file is at the path of the rules; false if this user may not enter the folder."""
    try:
        return path.exists()
    except OSError:
        return False


@cache
def unix_user() -> str:
    """Return the name of the Unix user who runs this process, or its number; no option or variable changes it."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _first(*candidates: tuple[str, str | None]) -> tuple[str | None, str]:
    from slactl.errors import UsageError

    for source, value in candidates:
        if value is not None:
            if value == "" and source.startswith("--"):
                raise UsageError(f"{source} needs a value; leave {source} out for the default")
            if value:
                return value, source
    return None, "default"


def _stated_actor(name: str, source: str) -> str:
    from slactl.errors import UsageError
    from slactl.text import check_input, clean, is_reserved

    if is_reserved(name):
        named = clean(name).strip()[:100]
        hint = "unset SLACTL_ACTOR" if source == "SLACTL_ACTOR" else "slactl help environment"
        raise UsageError(f"{source}: {named!r} is a reserved word in slactl; choose another name", hint)
    return check_input(name.strip(), "the actor's name", least=1, most=200)


def _login_actor(environment: Mapping[str, str]) -> str:
    from slactl.text import check_input, is_reserved

    named = (environment[name] for name in ("LOGNAME", "USER", "LNAME", "USERNAME") if environment.get(name))
    name = check_input((next(named, None) or unix_user()).strip(), "the login name", least=1, most=200)
    return f"unix:{name}" if is_reserved(name) else name
