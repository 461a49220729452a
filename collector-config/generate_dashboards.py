"""Writes the dashboards: `python collector-config/generate_dashboards.py`; `--check` says which differ."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from datadog_overview import overview_json
from grafana.boards import BOARDS
from grafana.json_of import dashboard_json

HERE = Path(__file__).parent
DASHBOARDS = HERE / "grafana" / "dashboards"
DATADOG = HERE / "datadog" / "overview.json"


def files() -> dict[Path, str]:
    """The content of every file."""
    return {**{DASHBOARDS / f"{board.name}.json": dashboard_json(board) for board in BOARDS}, DATADOG: overview_json()}


def main(arguments: list[str] | None = None) -> int:
    """Write or compare, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    check = parser.parse_args(arguments).check
    differing = [(path, text) for path, text in files().items() if not path.is_file() or path.read_text() != text]
    for path, text in differing:
        print(path.relative_to(HERE))
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main())
