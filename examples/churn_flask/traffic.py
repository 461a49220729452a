"""Send customers to the running app, most of them as they should be; with --changed, as they are after a price rise."""

import argparse
import itertools
import json
import random
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

BAD_EVERY = 10
PRICE_RISE = 1.25
NOW_MONTHLY = 0.6
MONTHLY = "Month-to-month"


def dearer(charges: float, _draw: float) -> float:
    return round(charges * PRICE_RISE, 2)


def more_monthly(contract: str, draw: float) -> str:
    return MONTHLY if draw < NOW_MONTHLY else contract


# A price rise, and a campaign for contracts by the month that a part of the others has taken up.
CHANGES: dict[str, Callable] = {"monthly_charges": dearer, "contract": more_monthly}


def changed(customers: list[dict]) -> list[dict]:
    """Return the customers as they are after the price rise and the campaign."""
    draw = random.Random(0).random
    return [
        {**customer, **{name: change(customer[name], draw()) for name, change in CHANGES.items()}}
        for customer in customers
    ]


def bodies(customers: list[dict]) -> Iterator[bytes]:
    """Yield customers for ever; every tenth is spoilt, in one way after the other."""
    ways = itertools.cycle([cut_off, without_contract, text_for_number, unheard_of_payment])
    for number, customer in enumerate(itertools.cycle(customers), 1):
        yield next(ways)(customer) if number % BAD_EVERY == 0 else json.dumps(customer).encode()


def cut_off(customer: dict) -> bytes:
    return json.dumps(customer).encode()[:-20]


def without_contract(customer: dict) -> bytes:
    return json.dumps({name: value for name, value in customer.items() if name != "contract"}).encode()


def text_for_number(customer: dict) -> bytes:
    return json.dumps({**customer, "monthly_charges": "a lot"}).encode()


def unheard_of_payment(customer: dict) -> bytes:
    """Well-formed, but with a category that was not there when the model was trained: the model raises."""
    return json.dumps({**customer, "payment_method": "Gift card"}).encode()


def post(url: str, body: bytes) -> int:
    """Send one body and return the status of the answer."""
    request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--customers", type=Path, default=Path("held_out.jsonl"), help="the file that train.py wrote")
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--changed", action="store_true", help="send the customers of after the price rise")
    parser.add_argument(
        "--summary", type=Path, help="write the number of answers by status and the changed columns here, as JSON"
    )
    arguments = parser.parse_args()

    customers = [json.loads(line) for line in arguments.customers.read_text().splitlines()]
    if arguments.changed:
        customers = changed(customers)
        print(f"after a price rise of {PRICE_RISE - 1:.0%} and a campaign for contracts by the month:")
    try:
        answers = Counter(post(arguments.url, body) for body in itertools.islice(bodies(customers), arguments.requests))
    except urllib.error.URLError as error:
        sys.exit(f"no answer from {arguments.url}: {error.reason}")
    print("answers by status:", ", ".join(f"{status}: {count}" for status, count in sorted(answers.items())))
    if arguments.summary:
        columns = sorted(CHANGES) if arguments.changed else []
        arguments.summary.write_text(json.dumps({"answers": answers, "changed": columns}))


if __name__ == "__main__":
    main()
