"""Settings: where they come from, and what wrong ones lead to."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from otelml import settings
from otelml.settings import Settings, environment_name, expected, resolve

ROOT = Path(__file__).parents[1]

GOOD: list[tuple[str, object, object]] = [
    ("overhead_budget", "1%", 0.01),
    ("overhead_budget", " 0.5 ", 0.5),
    ("overhead_budget", 1, 1.0),
    ("overhead_budget", "0%", 0.0),
    ("sklearn_nested", "TRUE", True),
    ("sklearn_nested", "0", False),
    ("max_classes", "7", 7),
    ("max_models", 3, 3),
    ("metric_attributes", "tenant, region ,", ("tenant", "region")),
    ("metric_attributes", ["tenant"], ("tenant",)),
    ("exception_messages", False, False),
    ("drift_windows", "200, 1000,1h", (200, 1000, timedelta(hours=1))),
    ("drift_windows", [timedelta(days=7)], (timedelta(days=7),)),
    ("drift_windows", [50], (50,)),
    ("drift_minimum_effect", "0.25", 0.25),
    ("reference_period", " Hour ", "hour"),
    ("price_table", " prices.json ", "prices.json"),
    ("genai_redact", "a+\n\nb", ("a+", "b")),
    ("genai_redactors", "math:sqrt", (math.sqrt,)),
    ("genai_content", " Span_Only", "span_only"),
    ("genai_token_estimates", " Installed", "installed"),
    ("gpu_devices", " Visible", "visible"),
]
WRONG: list[tuple[str, object]] = [
    ("overhead_budget", "lots"),
    ("overhead_budget", "101%"),
    ("overhead_budget", 3),
    ("overhead_budget", "nan"),
    ("overhead_budget", "-1%"),
    ("overhead_budget", True),
    ("sklearn_nested", "yes"),
    ("sklearn_nested", 2),
    ("max_classes", "0"),
    ("max_classes", 2.5),
    ("max_models", "many"),
    ("max_models", [1]),
    ("metric_attributes", 5),
    ("metric_attributes", ["tenant", 5]),
    ("exception_messages", "off"),
    ("drift_windows", "200,lots"),
    ("drift_windows", "0h"),
    ("drift_windows", []),
    ("drift_minimum_effect", "-1"),
    ("drift_minimum_effect", "inf"),
    ("reference_period", "month"),
    ("price_table", [" "]),
    ("genai_redact", "("),
    ("genai_redactors", "math:squareroot"),
    ("genai_content", "always"),
    ("genai_token_estimates", "true"),
    ("gpu_devices", "0,1"),
]


def test_every_kind_of_setting_is_tried() -> None:
    """Each kind of value that the table has is tried here with a good and a wrong one."""
    kinds = {field.name: expected(field) for field in dataclasses.fields(Settings)}
    assert {kinds[name] for name, *_ in GOOD} == {kinds[name] for name, *_ in WRONG} == set(kinds.values())


@pytest.mark.parametrize(("name", "value", "parsed"), GOOD)
def test_good_value(name: str, value: object, parsed: object) -> None:
    """A good value has the same meaning as an argument and, written out, in the environment."""
    found = getattr(resolve({name: value}, {}), name)
    assert found == parsed
    assert type(found) is type(parsed)
    if isinstance(value, str):
        assert getattr(resolve(None, {environment_name(name): value}), name) == parsed


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_wrong_value_is_refused(name: str, value: object) -> None:
    """A wrong value raises an error that names the setting, the value and what would be right."""
    field = next(it for it in dataclasses.fields(Settings) if it.name == name)
    with pytest.raises(ValueError, match=r"is not valid: expected") as error:
        resolve({name: value}, {})
    assert str(error.value) == f"{name}={value!r} is not valid: expected {expected(field)}."
    if isinstance(value, str):
        with pytest.raises(ValueError, match=re.escape(f"{environment_name(name)}={value!r} is not valid")):
            resolve(None, {environment_name(name): value})


def test_argument_wins_over_environment_over_default() -> None:
    """Each source covers the one after it, and an empty variable or None is no value."""
    environ = {"OTELML_MAX_CLASSES": "3", "OTELML_MAX_MODELS": " "}
    assert resolve({"max_classes": 2}, environ).max_classes == 2
    assert resolve({"max_classes": None}, environ).max_classes == 3
    assert resolve({}, environ).max_models == Settings().max_models


def test_a_wrong_variable_under_a_good_argument_does_not_matter() -> None:
    """What is covered by an argument is not checked."""
    assert resolve({"max_classes": 2}, {"OTELML_MAX_CLASSES": "?"}).max_classes == 2


def test_unknown_argument_is_refused_with_a_hint() -> None:
    """A misspelt setting raises an error that names the closest one, or all there are."""
    with pytest.raises(ValueError, match=r"There is no setting 'overhead_bugdet'\. Did you mean overhead_budget\?"):
        resolve({"overhead_bugdet": "1%"}, {})
    with pytest.raises(ValueError, match=r"There are: .*exception_messages, .*max_classes"):
        resolve({"zzz": 1}, {})


def test_unknown_variable_is_logged_with_a_hint(caplog: pytest.LogCaptureFixture) -> None:
    """A misspelt variable stops nothing, since it may be of another version; the log names the closest one."""
    assert resolve(None, {"OTELML_MAX_CLASES": "3", "OTHER": "1"}) == Settings()
    assert [record.getMessage() for record in caplog.records] == [
        "There is no setting OTELML_MAX_CLASES. Did you mean OTELML_MAX_CLASSES?"
    ]


def test_faults_can_be_collected() -> None:
    """With `on_error` every wrong value and unknown name is reported, and only these have their defaults."""
    messages: list[str] = []
    found = resolve(
        {"max_classes": "?", "max_models": 3, "zzz": 1}, {"OTELML_OVERHEAD_BUDGET": "?"}, on_error=messages.append
    )
    assert found == Settings(max_models=3)
    assert [message.split()[0] for message in sorted(messages)] == [
        "OTELML_OVERHEAD_BUDGET='?'",
        "There",
        "max_classes='?'",
    ]


def test_settings_nobody_chose_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An instrumentor used alone finds OTELML_* honoured; a wrong value is logged once, and its default used."""
    monkeypatch.setenv("OTELML_MAX_CLASSES", "3")
    monkeypatch.setenv("OTELML_MAX_MODELS", "?")
    assert settings.current() == Settings(max_classes=3)
    assert settings.current() is settings.current()
    errors = [it.getMessage() for it in caplog.records if it.levelno == logging.ERROR]
    assert errors == ["OTELML_MAX_MODELS='?' is not valid: expected a whole number of at least 1. The default is used."]


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the generator of the page."""
    command: list[Any] = [sys.executable, ROOT / "docs" / "generate.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_page_is_current() -> None:
    """Generating docs/settings.md again would change nothing."""
    done = generate("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_page_that_is_not_current_is_noticed(tmp_path: Path) -> None:
    """A page that differs fails the check, and writing it heals that."""
    copy = tmp_path / "generate.py"
    copy.write_bytes((ROOT / "docs" / "generate.py").read_bytes())
    run = [sys.executable, str(copy)]
    assert subprocess.run([*run, "--check"], env=os.environ, capture_output=True, check=False).returncode == 1
    assert subprocess.run(run, check=False).returncode == 0
    assert subprocess.run([*run, "--check"], check=False).returncode == 0
    assert (tmp_path / "settings.md").read_text() == (ROOT / "docs" / "settings.md").read_text()
