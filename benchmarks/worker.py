"""A contender's process: makes its subject, then takes a turn whenever the harness says so.

It imports nothing but the standard library and the contender's own module: peers run it in environments of their own.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from time import perf_counter_ns, process_time_ns, thread_time_ns
from typing import Any

from benchmarks.subject import Subject

Answer = Callable[[dict[str, Any]], None]


def take_turn(subject: Subject, calls: int, warm_up: int) -> dict[str, float]:
    """Make `warm_up` calls untimed and `calls` calls timed.

    Returns:
        Nanoseconds a call: mean, p50 and p99 by the clock, and the CPU time of the callers and of the whole process.
    """
    _call_for_a_while(subject, warm_up)
    processor = process_time_ns()
    if subject.threads == 1:
        durations, thread, elapsed = _call_for_a_while(subject, calls)
    else:
        durations, thread, elapsed = _call_from_threads(subject, calls)
    processor = process_time_ns() - processor
    if subject.durations is not None:
        subject.durations += durations
    durations.sort()
    done = len(durations)
    return {
        "mean": elapsed / done,
        "p50": durations[done // 2],
        "p99": durations[min(done - 1, done * 99 // 100)],
        "thread_cpu": thread / done,
        "process_cpu": processor / done,
    }


def _call_for_a_while(subject: Subject, calls: int) -> tuple[list[int], int, int]:
    durations: list[int] = []
    processor = 0
    call, argument, clock, add = subject.call, subject.argument, perf_counter_ns, durations.append
    while len(durations) < calls:
        todo = min(subject.chunk, calls - len(durations))
        with subject.around():
            before = thread_time_ns()
            for _ in range(todo):
                began = clock()
                call(argument)
                add(clock() - began)
            processor += thread_time_ns() - before
    return durations, processor, sum(durations)


def _call_from_threads(subject: Subject, calls: int) -> tuple[list[int], int, int]:
    """Every thread makes its share of the calls; the time is the whole group's, so the mean tells the throughput."""
    done: list[tuple[list[int], int, int]] = []
    barrier = threading.Barrier(subject.threads + 1)

    def work() -> None:
        barrier.wait()
        done.append(_call_for_a_while(subject, calls // subject.threads))

    threads = [threading.Thread(target=work) for _ in range(subject.threads)]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = perf_counter_ns()
    for thread in threads:
        thread.join()
    elapsed = perf_counter_ns() - began
    return [duration for durations, _, _ in done for duration in durations], sum(cpu for _, cpu, _ in done), elapsed


def serve(subject: Subject, answer: Answer) -> None:
    """Answer the harness's orders, one a line, until it asks for the facts."""
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "turn":
            answer(take_turn(subject, order["calls"], order["warm_up"]))
        else:
            answer(subject.facts())
            return


def main() -> None:
    """Make the subject that the command line names, and serve it."""
    # What libraries print must not come between the lines of the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    module, _, factory = sys.argv[1].partition(":")
    subject = getattr(import_module(module), factory)(**json.loads(sys.argv[2]))

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")

    answer({"ready": True})
    serve(subject, answer)
    answers.flush()
    os._exit(0)  # exporters without an endpoint would retry at exit


if __name__ == "__main__":
    main()
