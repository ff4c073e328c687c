"""Who the rules know."""

from slactl.config import Config
from slactl.errors import RulesError


def is_known(config: Config, name: str) -> bool:
    """Whether a person or a role of this name is in the rules file; an unreadable file knows everybody."""
    from slactl.sla.rules import load

    try:
        rules = load(config.rules)
    except RulesError:
        return True
    return name in rules.people or name in rules.roles
