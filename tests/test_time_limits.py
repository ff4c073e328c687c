"""No test can hang: each has a time limit."""

import pytest
from conftest import FULL_SECONDS


def test_a_test_may_take_two_minutes(request: pytest.FixtureRequest) -> None:
    assert request.config.getini("timeout") == "120"
    assert request.config.pluginmanager.hasplugin("timeout")


@pytest.mark.full
def test_a_long_test_has_a_longer_limit(request: pytest.FixtureRequest) -> None:
    [limit] = [mark.args for mark in request.node.iter_markers("timeout")]
    assert limit == (FULL_SECONDS,)
