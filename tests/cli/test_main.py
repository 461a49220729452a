"""The ``otelml`` command itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from otelml.cli.main import COMMANDS, main


def otelml(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, after some Python."""
    program = f"import sys\n{before}\nfrom otelml.cli.main import main\nsys.exit(main({list(arguments)}))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The list of commands is complete."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in text
        assert command.summary in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has help of its own."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: otelml {name} ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is the installed one."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"otelml {version('otelml')}\n"


@pytest.mark.parametrize("arguments", [[], ["no-such-command"], ["view", "--no-such-option"]])
def test_wrong_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A missing or unknown command, or an unknown option, is explained, with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: otelml" in capsys.readouterr().err


def test_only_the_command_asked_for_is_imported() -> None:
    """The command line starts without the libraries that only some commands need."""
    done = otelml("--version", before="import atexit; atexit.register(lambda: print(sorted(sys.modules)))")
    assert done.returncode == 0
    for module in ("rich", "google.protobuf", "opentelemetry.sdk", "otelml.cli.view"):
        assert f"'{module}'" not in done.stdout
    assert "'otelml.cli.main'" in done.stdout


def test_a_missing_extra_is_named() -> None:
    """Without rich, a command that needs it says what to install."""
    done = otelml("view", before="sys.modules['rich'] = None")
    assert done.returncode == 2
    assert "pip install 'otelml[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_another_missing_module_is_an_error() -> None:
    """A module that no extra brings is a defect and not hidden."""
    done = otelml("view", before="sys.modules['otelml.viewer.store'] = None")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
