"""Serve the churn model: POST one customer as JSON to /predict."""

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException


def create_app(model_file: Path) -> Flask:
    app = Flask(__name__)
    model = joblib.load(model_file)
    columns = {name: names for name, _, names in model.named_steps["prepare"].transformers}

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/predict")
    def predict() -> dict[str, Any]:
        customer = checked(request.get_json(), **columns)
        stays, leaves = model.predict_proba(pd.DataFrame([customer]))[0].tolist()
        return {"churn": "Yes" if leaves > stays else "No", "probability": round(leaves, 4)}

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description), error.code or 500

    return app


def checked(customer: Any, *, numbers: list[str], flags: list[str], categories: list[str]) -> dict[str, Any]:
    """Return the columns that the model wants of a customer, or refuse what can't be a customer."""
    if not isinstance(customer, dict):
        raise BadRequest("expected a JSON object with one customer")
    if missing := [name for name in (*numbers, *flags, *categories) if name not in customer]:
        raise BadRequest(f"missing: {', '.join(missing)}")
    for name in numbers:
        if isinstance(customer[name], bool) or not isinstance(customer[name], (int, float, type(None))):
            raise BadRequest(f"{name} must be a number or null")
    for name in flags:
        if customer[name] not in (0, 1):
            raise BadRequest(f"{name} must be 0 or 1")
    for name in categories:
        if not isinstance(customer[name], str):
            raise BadRequest(f"{name} must be a string")
    return {name: customer[name] for name in (*numbers, *flags, *categories)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("churn.joblib"), help="the file that train.py wrote")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    # Leave through the ordinary exit when a process manager stops the server, so that clean-up runs.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    create_app(arguments.model).run(port=arguments.port)


if __name__ == "__main__":
    main()
