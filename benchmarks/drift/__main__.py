"""The command: `python -m benchmarks.drift [NAME ...] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import machine, peers
from benchmarks.drift.contenders import CONTENDERS, PEERS
from benchmarks.drift.page import OURS, checks, page
from benchmarks.harness import ROOT
from benchmarks.report import RAW

PAGE = ROOT / "benchmarks" / "DRIFT.md"


def main() -> int:
    """Let contenders judge; the exit code says whether otelml met all of its targets (0) or not (1)."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"who: {', '.join(CONTENDERS)}; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of references and windows")
    parser.add_argument(
        "--seconds", type=float, default=90.0, help="for each contender but otelml, all figures together"
    )
    parser.add_argument("--quick", action="store_true", help="a few windows each, to see that it runs")
    parser.add_argument("--write", action="store_true", help="write DRIFT.md from the last run of every contender")
    options = parser.parse_args()
    if unknown := set(options.names) - set(CONTENDERS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CONTENDERS)}")
    if options.quick and options.write:
        parser.error("the figures of a quick run are not for DRIFT.md")
    found = {name: _run(name, options) for name in options.names or CONTENDERS}
    if not options.quick:
        RAW.mkdir(parents=True, exist_ok=True)
        for name, each in found.items():
            _kept(name).write_text(json.dumps(each), encoding="utf-8")
        found = {name: json.loads(_kept(name).read_text()) for name in CONTENDERS if _kept(name).exists()}
    text = page(found, {**machine.describe(), "seed": str(options.seed)})
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    ours = found.get(OURS, {})
    return 0 if options.quick or all(check.met for check in checks(ours.get("cells", []))) else 1


def _kept(name: str) -> Path:
    return RAW / f"drift-{name.lower()}.json"


def _run(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """What a contender's worker prints; why there is none, if its environment can not be made or it fails."""
    print(f"{name} ...", file=sys.stderr)
    try:
        python = peers.python_of(PEERS[name]) if name in PEERS else sys.executable
    except peers.Unavailable as reason:
        return {"unavailable": str(reason)}
    seconds = options.seconds if name in PEERS else 3_600.0
    sizes = ["--references", "1", "--windows", "3", "--changed", "2"] if options.quick else []
    command = [python, "-m", "benchmarks.drift.worker", name, "--seed", str(options.seed), "--seconds", str(seconds)]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([*command, *sizes], cwd=ROOT, env=one_thread, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"unavailable": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    judged: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return judged


if __name__ == "__main__":
    sys.exit(main())
