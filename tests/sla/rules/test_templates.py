"""Templates: names and plain decisions, nothing that reaches further."""

import pytest

from slactl.sla.rules.addresses import has_literal_secret, label, without_literal_secrets
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
    "url",
    [
        "${file:/run/secrets/slack}",
        "${env:SCHEME}://${env:REST}",
        "slack://${env:SLACK}",
        "tgram://${env:BOT}:${env:BOT_TOKEN}/${env:CHAT}/",
        "jsons://${env:HOOK}",
        "syslog://",
        "syslog://local0",
        "rsyslog://logs.example.com",
        "mailtos://mia@example.com",
        "mailtos://ann:${env:PASSWORD}@smtp.example.com",
        "mailtos://${env:SMTP_LOGIN}@smtp.example.com?to=mia@example.com",
        "mailtos://${env:LOGIN}@smtp.example.com/bob@example.com?from=Desk%20<desk@example.com>&name=Desk",
        "mailto://127.0.0.1:2525?from=a@example.com&to=b@example.com",
        "json://[::1]:8000/x",
        "json://LOCALHOST:8000/x?method=PUT&-key=${env:KEY}",
        "json://desk:${env:PASSWORD}@127.0.0.1/x",
        "gotify://localhost/${env:TOKEN}?format=markdown",
        "http://127.0.0.1:8000/ping",
    ],
)
def test_an_address_without_a_literal_secret_may_stand_in_the_rules(url: str) -> None:
    assert not has_literal_secret(url)


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://ann:hunter2@smtp.example.com",
        "mailtos://ann:hunter2${env:PASSWORD}@smtp.example.com",
        "mailtos://smtp.example.com:hunter2",
        "mailtos://smtp.example.com?user=ann&pass=hunter2",
        "mailtos://smtp.example.com?p%61ss=hunter2",
        "mailtos://smtp.example.com?hunter2",
        "json://desk:hunter2@127.0.0.1/x",
        "json://127.0.0.1/x?+Authorization=hunter2",
        "json://127.0.0.1@hooks.example.com/x",
        "json://hooks.example.com/x@127.0.0.1",
        "json://127.0.0.1/x:hunter2@127.0.0.1",
        "json://127.0.0.1:hunter2/x",
        "gotify://localhost/hunter2",
        "jsons://hooks.example.com/desk/escalations",
        "jsons://hooks.example.com/desk?+Authorization=Bearer%20${env:HOOK_TOKEN}",
        "jsons://${env:HOST}/hunter2",
        "gotifys://gotify.example.com/${env:GOTIFY_TOKEN}",
        "slack://T1JHGJ4H5G/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7F",
        "slack://${env:SLACK}/hunter2",
        "slack://${env:SLACK}?footer=no",
        "tgram://123456789/12345",
        "https://ping.example.com/desk",
        "https://discord.com/api/webhooks/1/SENTINELab",
        "${env:HOOK}/hunter2",
        "${env:HOOK}?key=hunter2",
        "${env:SCHEME}://hunter2",
    ],
)
def test_a_literal_secret_in_an_address_is_found(url: str) -> None:
    assert has_literal_secret(url)


def test_the_url_of_tickets_is_shown_and_an_address_is_not() -> None:
    shown = without_literal_secrets(
        'ticket_url = "https://desk.example.com/{id}"\n+heartbeat = "https://x.example/y"\n'
    )
    assert shown == 'ticket_url = "https://desk.example.com/{id}"\n+heartbeat = "https://…"\n'


def test_an_address_is_shown_without_its_secrets() -> None:
    assert label("${env:SLACK}") == "${env:SLACK}"
    assert label("mailtos://${env:LOGIN}@smtp.example.com?to=mia@example.com") == "mailtos://… (${env:LOGIN})"
    assert label("jsons://example.com/x") == "jsons://…"
