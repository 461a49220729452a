"""What a dashboard is made of, apart from how Grafana or Datadog write it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from otelml.rules.naming import Named, label_name
from otelml.rules.promql import Series, quoted
from otelml.semconv import attributes as names

Kind = Literal["lines", "stacked", "bars"]


@dataclass(frozen=True)
class Query:
    """A query and what its series are called."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A panel of one or more queries.

    Attributes:
        unit: as Grafana calls it, such as `s`, `percentunit` or `currencyUSD`.
        meaning: what it says and when to worry, in a sentence.
        width: in columns of 24.
    """

    title: str
    kind: Kind
    unit: str
    queries: tuple[Query, ...]
    meaning: str
    width: int = 12


@dataclass(frozen=True)
class Variable:
    """A choice at the top of the dashboard: the values that a label has."""

    name: str
    title: str
    series: Series
    key: str

    @property
    def query(self) -> str:
        """The query for the values."""
        return f"label_values({self.series}, {label_name(self.key)})"

    @property
    def matcher(self) -> str:
        """Keeps the series of the chosen values; all of them, with and without the label, when all are chosen."""
        return f'{label_name(self.key)}=~"${self.name}"'


@dataclass(frozen=True)
class Board:
    """A dashboard.

    Attributes:
        name: of its file, and of its address in Grafana.
        rows: the panels under their headings.
    """

    name: str
    title: str
    meaning: str
    variables: tuple[Variable, ...]
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels in order."""
        return tuple(panel for _, panels in self.rows for panel in panels)


#: The window that Grafana finds right for the zoom and the interval of the data.
WINDOW = "$__rate_interval"


def model_variables(metric: Named, suffix: str = "") -> tuple[Variable, Variable]:
    """The choices of model and version, from the values that a metric has."""
    series = Series(metric, suffix)
    chosen = series.matching([f'{label_name(names.ML_MODEL_NAME)}=~"$model"'])
    return (
        Variable("model", "Model", series, names.ML_MODEL_NAME),
        Variable("version", "Version", chosen, names.ML_MODEL_VERSION),
    )


def of_model(metric: Named) -> Series:
    """The series of the chosen models and versions."""
    return Series(metric).matching(
        (f'{label_name(names.ML_MODEL_NAME)}=~"$model"', f'{label_name(names.ML_MODEL_VERSION)}=~"$version"')
    )


def legend(*keys: str) -> str:
    """A legend of attributes' values."""
    return " ".join("{{" + label_name(key) + "}}" for key in keys)


def quantile(share: float, series: Series, *keys: str) -> str:
    """A quantile of a histogram."""
    by = ", ".join((*map(label_name, keys), "le"))
    return f"histogram_quantile({share:g}, sum by ({by}) (rate({series.buckets}[{WINDOW}])))"


def equals(key: str, value: str) -> str:
    """A matcher."""
    return f"{label_name(key)}={quoted(value)}"
