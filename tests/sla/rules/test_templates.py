"""Templates: names and plain decisions, nothing that reaches further."""

import pytest

from slactl.sla.rules.addresses import has_literal_secret, label
from slactl.sla.rules.templates import NAMES, mistake, render

FACTS = dict.fromkeys(NAMES, "") | {"id": "12", "priority": "high", "subject": "{{ id }} <b>"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("ticket {{ id }}", "ticket 12"),
        ("{{ subject }}", "{{ id }} <b>"),  # a customer's words are never a template
        ("{% if tenant %}{{ tenant }}{% else %}nobody's{% endif %}", "nobody's"),
        ("{{ 'x' if priority == 'high' and not tenant else 'y' }}", "x"),
        ("{{ priority | upper }}{{ tenant | default('-', true) }}", "HIGH-"),
        ("{{ id ~ '/' ~ priority }}", "12/high"),
        ("{# a comment #}plain", "plain"),
        (f"{{{{ {'(' * 20}id{')' * 20} }}}}", "12"),
        (f"{'{% if id %}' * 40}{{{{ id }}}}{'{% endif %}' * 40}", "12"),
        (f"{{{{ {'not ' * 40}id }}}}", "True"),
        (f"{{{{ {' ~ '.join(['id'] * 300)} }}}}", "12" * 300),
    ],
)
def test_what_a_template_can_say(template: str, text: str) -> None:
    assert mistake(template) is None
    assert render(template, FACTS) == text


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{{ assigne }}", "did you mean assignee?"),
        ("{{ id.__class__ }}", "names, not attributes"),
        ("{{ id['x'] }}", "names, not attributes"),
        ("{{ ''.__class__.__mro__ }}", "names, not attributes"),
        ("{{ id() }}", "no call"),
        ("{{ range(10**9) }}", "no call"),
        ("{{ 'x' * 1000000000 }}", "no mul"),
        ("{{ id | center(1000000000) }}", "there is no filter 'center'"),
        ("{{ id | attr('x') }}", "there is no filter 'attr'"),
        ("{{ '%s' % id }}", "no mod"),
        ("{{ '{0.__class__}' | format(id) }}", "there is no filter 'format'"),
        ("{{ '{0.__class__}'.format(id) }}", "no call"),
        ("{{ [id] | map(attribute='x') }}", "there is no filter 'map'"),
        ("{{ self }}", "there is no variable 'self'"),
        ("{{ lipsum }}", "there is no variable 'lipsum'"),
        ("{{ id[:1000] }}", "names, not attributes"),
        ("{{ id is defined }}", "no test"),
        ("{% macro x() %}{{ id }}{% endmacro %}", "no macro"),
        ("{% filter upper %}x{% endfilter %}", "no filterblock"),
        ("{% for x in id %}{% endfor %}", "no for"),
        ("{% include 'x' %}", "no include"),
        ("{% set id = 1 %}", "no assign"),
        ("{{ id", "line 1 of the template"),
        (f"{{{{ {'(' * 3000}id{')' * 3000} }}}}", "nested deeper than"),
        (f"{{{{ {'not ' * 300}id }}}}", "nested deeper than"),
        (f"{{{{ {' and '.join(['id'] * 300)} }}}}", "nested deeper than"),
        (f"{'{% if id %}' * 120}{{{{ id }}}}{'{% endif %}' * 120}", "nested deeper than"),
    ],
)
def test_what_a_template_cannot_say(template: str, says: str) -> None:
    found = mistake(template)
    assert found is not None
    assert says in found
    with pytest.raises(ValueError, match=r"\S"):
        render(template, FACTS)


@pytest.mark.parametrize("template", ["{{ subject | truncate(2) }}", "{{ 1 | truncate }}", "{{ id | trim(5) }}"])
def test_a_template_that_cannot_be_filled_in_says_so(template: str) -> None:
    assert mistake(template) is None
    with pytest.raises(ValueError, match="cannot be filled in"):
        render(template, FACTS)


@pytest.mark.parametrize(
    ("url", "literal"),
    [
        ("mailtos://${env:SMTP_LOGIN}@smtp.example.com?to=mia@example.com", False),
        ("mailto://127.0.0.1:2525?from=a@example.com&to=b@example.com", False),
        ("mailtos://ann:${env:PASSWORD}@smtp.example.com", False),
        ("${file:/run/secrets/slack}", False),
        ("jsons://hooks.example.com/desk/escalations?method=PUT", False),
        ("jsons://hooks.example.com/desk?+Authorization=Bearer%20${env:HOOK_TOKEN}", False),
        ("jsons://hooks.example.com/desk?+Authorization=Bearer%20hunter2", True),
        ("mailtos://ann:hunter2@smtp.example.com", True),
        ("mailtos://smtp.example.com?user=ann&pass=hunter2", True),
        ("jsons://example.com/hook?+Authorization=hunter2", True),
        ("slack://T1JHGJ4H5G/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7F", True),
        ("jsons://example.com/T1JHGJ4H5G123456a", True),
        ("tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/12345", True),
        ("jsons://example.com/hook:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", True),
        ("jsons://example.com/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", True),
        ("sendgrid://SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf:a@example.com", True),
        ("gotifys://gotify.example.com:8443/${env:GOTIFY_TOKEN}?format=markdown", False),
        ("mmosts://${env:BOT}@chat.example.com/${env:HOOK}", False),
        ("tgram://${env:BOT}:${env:BOT_TOKEN}/${env:CHAT}/", False),
        ("slack://${env:SLACK}?footer=no&overflow=split", False),
        ("https://hooks.slack.com/${env:SLACK_PATH}", False),
        ("${env:SMTP}?to=mia@example.com", False),
        ("${env:WHOLE}", False),
        ("mailtos://mia@example.com", False),
        ("mailtos://${env:LOGIN}@smtp.example.com/bob@example.com?from=Desk%20<desk@example.com>&name=Desk", False),
        ("jsons://${env:HOST}:${env:PORT}/x?verify=yes&cto=5&-key=${env:KEY}", False),
        ("json://[::1]:8000/x", False),
        ("json://desk:${env:PASSWORD}@hooks.example.com/x", False),
        ("json://desk:hunter2${env:PASSWORD}@hooks.example.com/x", True),
        ("json://desk:@hooks.example.com/x", True),
        ("gotifys://desk:${env:PASSWORD}@hooks.example.com", True),
        ("syslog://", False),
        ("https://discord.com/api/webhooks/1/SENTINELab", True),
        ("tgram://${env:BOT}/-1001234567890", False),
        ("slack://${env:SLACK}/#support/#desk", False),
        ("slack://${env:SLACK}/#AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", True),
        ("slack://${env:SLACK}/hunter2", True),
        ("tgram://123456789/12345", True),
        ("jsons://hooks-2.frankfurt-region-1.example.com:8443/desk/v2/escalations", False),
    ],
)
def test_a_literal_secret_is_found(url: str, literal: bool) -> None:
    assert has_literal_secret(url) is literal


def test_a_page_may_stand_in_the_rules_unless_it_looks_like_a_secret() -> None:
    assert not has_literal_secret("https://ping.example.com/desk", page=True)
    assert has_literal_secret("https://ping.example.com/0f5e2b4c-1111-2222-3333-444455556666", page=True)
    assert has_literal_secret("https://ping.example.com/desk?key=hunter2", page=True)


def test_an_address_is_shown_without_its_secrets() -> None:
    assert label("${env:SLACK}") == "${env:SLACK}"
    assert label("mailtos://${env:LOGIN}@smtp.example.com?to=mia@example.com") == "mailtos://… (${env:LOGIN})"
    assert label("jsons://example.com/x") == "jsons://…"
