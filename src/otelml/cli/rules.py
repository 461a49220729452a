"""``otelml rules``: Prometheus rules and alerts from a file of service-level objectives."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from otelml.rules import RuleFile, SourceError, read_objectives, rule_files
from otelml.rules.generation import RUNBOOKS


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.description = (
        "Makes recording rules, multi-window burn-rate alerts and error budgets of each objective, and the alerts that "
        "need none: serving, drift, data quality, training, GPU, LLM, telemetry. Prometheus, Mimir and vmalert read "
        "them. The exit code is 0 if all is well, 1 if --check found a difference, 2 if the file has an error."
    )
    parser.add_argument("objectives", type=Path, metavar="FILE", help="the objectives, such as slo.yaml")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write a file for each part (default: print all)")
    parser.add_argument(
        "--planned",
        action="store_true",
        help="take objectives on metrics, too, that the convention has and otelml does not emit yet",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; say which files in --output differ")
    parser.add_argument(
        "--runbooks",
        default=RUNBOOKS,
        metavar="URL",
        help="the address of the folder with the runbook pages, for the alerts' links (default: %(default)s)",
    )
    parser.set_defaults(refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Make the rules, and write, print or compare them."""
    if args.check and args.output is None:
        args.refuse("--check compares with the files in --output")
    try:
        files = rule_files(read_objectives(args.objectives, planned=args.planned))
    except SourceError as error:
        print(error, file=sys.stderr)
        return 2
    except (OSError, UnicodeDecodeError) as error:
        print(f"otelml rules: can't read {args.objectives}: {error}", file=sys.stderr)
        return 2
    if args.output is None:
        print(RuleFile("", tuple(group for file in files for group in file.groups)).text(args.runbooks), end="")
        return 0
    texts = {args.output / file.name: file.text(args.runbooks) for file in files}
    return _compare(texts) if args.check else _write(texts)


def _compare(texts: dict[Path, str]) -> int:
    differing = [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in differing:
        print(f"{path}: differs from what the objectives say")
    return 1 if differing else 0


def _write(texts: dict[Path, str]) -> int:
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path)
    return 0
