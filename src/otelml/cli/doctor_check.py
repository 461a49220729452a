"""The live check on a file or on what arrives, with a report."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from google.protobuf.message import Message

from otelml.viewer.livecheck import LEVELS, Finding, LiveCheck, Tally, as_dict
from otelml.viewer.livecheck.files import NotOtlp, read_otlp
from otelml.viewer.otlp import Signal
from otelml.viewer.receiver import OtlpReceiver

_FAILED = 1
_WRONG_INPUT = 2


class _Checked:
    """A live check and what it has found, fed from any thread."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.check = LiveCheck(allow=args.allow, all_scopes=args.all)
        self.tally = Tally()
        self._lock = threading.Lock()

    def take(self, _signal: Signal | None, request: Message) -> None:
        with self._lock:
            self.tally.add(self.check.check(request))

    @property
    def passed(self) -> bool:
        return self.check.checked > 0 and not self.tally.by_level["violation"]


def check_file(args: argparse.Namespace) -> int:
    """Check a file, print the report and return the exit code."""
    checked = _Checked(args)
    try:
        for request in read_otlp(args.check, args.signal):
            checked.take(args.signal, request)
    except (OSError, NotOtlp) as error:
        print(f"otelml doctor: {error}", file=sys.stderr)
        return _WRONG_INPUT
    return _report(checked, args)


def listen(args: argparse.Namespace) -> int:
    """Check what arrives until the time is over or a signal comes, print the report and return the exit code."""
    checked = _Checked(args)
    receiver = OtlpReceiver(checked.take, host=args.host, http_port=args.http_port, grpc_port=args.grpc_port)
    over = threading.Event()
    before = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with receiver:
            # On stderr: the report alone is the output.
            print(
                f"Receiving OTLP/HTTP at {receiver.http_endpoint}, OTLP/gRPC at {receiver.grpc_endpoint}. Ctrl-C ends.",
                file=sys.stderr,
                flush=True,
            )
            over.wait(args.seconds)
    except (OSError, OverflowError) as error:
        print(f"otelml doctor: can't listen: {error}", file=sys.stderr)
        return _WRONG_INPUT
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return _report(checked, args)


def _report(checked: _Checked, args: argparse.Namespace) -> int:
    print(_as_json(checked, args) if args.format == "json" else _as_text(checked, args))
    return 0 if checked.passed else _FAILED


def _as_json(checked: _Checked, args: argparse.Namespace) -> str:
    report = {
        "checked": checked.check.checked,
        "signals": [f"{kind} {name}" for kind, name in sorted(checked.check.seen)],
        "counts": {level: checked.tally.by_level[level] for level in LEVELS},
        "findings": [as_dict(finding, count) for finding, count in checked.tally.groups(args.level)],
        "groups_left_out": checked.tally.dropped,
    }
    return json.dumps(report, indent=2, default=repr)


def _as_text(checked: _Checked, args: argparse.Namespace) -> str:
    check, tally = checked.check, checked.tally
    if not check.checked:
        return "There was nothing to check: no telemetry of otelml." + (
            "" if args.all else " (--all checks others' too)"
        )
    lines = [_line(finding, count) for finding, count in tally.groups(args.level)]
    if tally.dropped:
        lines.append(f"... and {tally.dropped} more in other groups")
    shown = LEVELS[: LEVELS.index(args.level) + 1]
    counts = ", ".join(f"{tally.by_level[it]} at the level {it}" for it in LEVELS)
    hint = "" if args.level == LEVELS[-1] else f" Shown: {', '.join(shown)}; --level shows more."
    lines.append(f"Checked {check.checked} spans, metrics and events. Findings: {counts}.{hint}")
    return "\n".join(lines)


def _line(finding: Finding, count: int) -> str:
    example = "" if finding.value is None else f" such as {finding.value!r}"
    often = f" ({count} times{example})" if count > 1 else ""
    return f"{finding.level:11} {finding}{often}"
