"""Enabling, importing, defining, wrapping and disabling in every order."""

from __future__ import annotations

import functools

import pytest

from tests.conformance.forks import run_scenarios
from tests.conformance.hook import HOOKS
from tests.conformance.orderings import AFTER_IMPORT, BEFORE_IMPORT

_results = functools.cache(run_scenarios)


@pytest.mark.parametrize("scenario", [scenario.__name__ for scenario in (*BEFORE_IMPORT, *AFTER_IMPORT)])
@pytest.mark.parametrize("name", HOOKS)
def test_ordering(name: str, scenario: str) -> None:
    """The scenario, which says itself what it holds, went well in a process of its own."""
    failure = _results("tests.conformance.orderings", name)[scenario]
    assert not failure, failure
