"""Do the features still depend on each other as in training? Rank correlations of a bounded number of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from otelml.monitors.reference.layout import ABOVE, BELOW, MISSING
from otelml.monitors.statistics import normal_two_sided

FloatArray = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

MOST_FEATURES = 16
_CANDIDATES = 64
_MOST_ROWS = 20_000
_LEAST_ROWS = 50
_AT_A_TIME = 2_048  # rows: what stays in the processor's cache
_TOGETHER = 256  # rows: BLAS starts threads for more, which take a processor from the host for some time after
_NEARLY_ONE = 0.9995
_LEAST_VARIANCE = 0.2
_NO_SCORES = "dependence: {} has shape {}, but {} was expected"


class PairChange(NamedTuple):
    """The pair of features whose correlation changed most surely.

    Attributes:
        first: the number of one feature in the reference.
        second: the number of the other.
        before: their rank correlation in the reference.
        now: their rank correlation in the window.
        p: p-value, adjusted for the number of pairs.
    """

    first: int
    second: int
    before: float
    now: float
    p: float


@dataclass(frozen=True, slots=True, eq=False)
class Dependence:
    """How the leading features of a reference depend on each other.

    The value of a row is the rank of its bin (of categories, by descending count), standardised over the reference;
    missing and unlisted values stand at 0. The correlations of these values are Spearman's, with ties ("The proof and
    measurement of association between two things", 1904).

    Attributes:
        features: their numbers in the reference, of shape (k,).
        scores: the value of each cell, float32 of shape (k, cells).
        correlation: of shape (k, k); rounded to 32 bits in a profile.
        variance: rows times the variance of each correlation's arctanh, from the fourth moments of the reference, as
            two bounded variables are not normal; float32 of shape (k, k).
        rows: number of rows that the correlations were computed from.
    """

    features: Codes
    scores: npt.NDArray[np.float32]
    correlation: npt.NDArray[Any]
    variance: npt.NDArray[np.float32]
    rows: int

    @classmethod
    def of(
        cls,
        codes: Codes,
        counts: npt.NDArray[np.int64],
        valid: npt.NDArray[np.bool_],
        ordered: npt.NDArray[np.bool_],
        *,
        max_features: int = MOST_FEATURES,
    ) -> Dependence | None:
        """Summarise a table; None where fewer than two features vary, or with fewer than 50 rows.

        The first 64 features that vary are looked at, over 20,000 evenly spaced rows at most. Kept are those with the
        strongest correlations.

        Args:
            codes: the cell of each value, 0 to C-1, of shape (n, F).
            counts: rows by feature and cell, of shape (F, C).
            valid: which cells a feature has, of shape (F, C).
            ordered: which features have bins in an order, of shape (F,).
            max_features: the largest number of features kept.
        """
        table = codes[:: max(1, -(-len(codes) // _MOST_ROWS))]
        scores = _cell_scores(np.where(valid, counts, 0).astype(np.float64), np.asarray(ordered, dtype=bool))
        varied = np.flatnonzero(scores.any(axis=1))[:_CANDIDATES]
        if len(varied) < 2 or len(table) < _LEAST_ROWS:
            return None
        values = scores[varied, table[:, varied]]
        values -= values.mean(axis=0)
        deviation = values.std(axis=0)
        values, varied = values[:, deviation > 0] / deviation[deviation > 0], varied[deviation > 0]
        if len(varied) < 2:
            return None
        strength = np.abs(values.T @ values / len(values))
        np.fill_diagonal(strength, 0.0)
        leading = np.sort(np.argsort(-strength.max(axis=0), kind="stable")[:max_features])
        values = values[:, leading]
        correlation = values.T @ values / len(values)
        return cls(
            features=varied[leading],
            scores=scores[varied[leading]].astype(np.float32),
            correlation=correlation,
            variance=_variance(values, correlation).astype(np.float32),
            rows=len(values),
        )

    def products(self, codes: Codes) -> FloatArray:
        """Cross-products of rows, which add up over batches: of shape (k + 1, k + 1), the first row holding the sums.

        Args:
            codes: the cell of each value, 0 to C-1, of shape (n, F).
        """
        total = np.zeros((len(self.features) + 1,) * 2)
        for first in range(0, len(codes), _AT_A_TIME):
            part = codes[first : first + _AT_A_TIME]
            values = np.ones((len(total), len(part)))
            for at, feature in enumerate(self.features):
                values[at + 1] = self.scores[at].take(part[:, feature])
            for start in range(0, len(part), _TOGETHER):
                few = values[:, start : start + _TOGETHER]
                total += few @ few.T
        return total

    def change(self, products: FloatArray, without: npt.NDArray[np.bool_] | None = None) -> PairChange | None:
        """Compare the correlations of a window with those of the reference.

        Differences are tested after Fisher's transformation ("On the probable error of a coefficient of correlation",
        1921), with variances that hold for the reference's own distribution; p-values by Bonferroni over all pairs.

        Args:
            products: the sum of `products` over the window.
            without: features (F,) that are left out, since their own distribution has changed.

        Returns:
            The pair that changed most surely; None where there is nothing to compare.
        """
        rows = products[0, 0]
        if rows < 2:
            return None
        mean = products[0, 1:] / rows
        covariance = products[1:, 1:] / rows - np.outer(mean, mean)
        deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        scale = np.outer(deviation, deviation)
        usable = scale > 1e-6
        if without is not None:
            kept = ~without[self.features]
            usable &= kept & kept[:, None]
        now = np.divide(covariance, scale, out=np.zeros_like(scale), where=usable)
        error = np.sqrt(self.variance * (1.0 / rows + 1.0 / self.rows))
        z = np.where(usable, (_arctanh(now) - _arctanh(self.correlation)) / error, 0.0)
        first, second = np.triu_indices(len(self.features), 1)
        surest = int(np.abs(z[first, second]).argmax())
        i, j = int(first[surest]), int(second[surest])
        p = min(1.0, float(normal_two_sided(z[i, j])) * len(first))
        pair = (int(self.features[i]), int(self.features[j]))
        return PairChange(*pair, float(self.correlation[i, j]), float(now[i, j]), p)

    def to_dict(self) -> dict[str, Any]:
        """As built-in types and arrays."""
        return {
            "features": self.features.astype(np.int32),
            "scores": self.scores.astype(np.float16),
            "correlation": self.correlation.astype(np.float32),
            "variance": self.variance,
            "rows": self.rows,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any], features: int, cells: int) -> Dependence:
        """From `to_dict`.

        Args:
            stored: what `to_dict` returned.
            features: number of features of the reference.
            cells: number of cells of the reference.

        Raises:
            ValueError: something is missing, or does not fit; the message names it.
        """
        try:
            numbers = np.asarray(stored["features"]).astype(np.intp)
            matrices = [np.asarray(stored[name]).astype(np.float32) for name in ("scores", "correlation", "variance")]
            rows = int(stored["rows"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"dependence: {error}") from error
        k = numbers.size
        for name, matrix, shape in zip(
            ("scores", "correlation", "variance"), matrices, ((k, cells), (k, k), (k, k)), strict=True
        ):
            if matrix.shape != shape:
                raise ValueError(_NO_SCORES.format(name, matrix.shape, shape))
            if not np.isfinite(matrix).all():
                raise ValueError(f"dependence: {name} has values that are not finite")
        if numbers.ndim != 1 or k < 2 or rows < 2 or numbers.min() < 0 or numbers.max() >= features:
            raise ValueError(f"dependence: features {numbers.tolist()} or rows {rows} are out of range")
        scores, correlation, variance = matrices
        return cls(numbers, scores, correlation, variance, rows)


def _cell_scores(counts: FloatArray, ordered: npt.NDArray[np.bool_]) -> FloatArray:
    """Mid-ranks of the cells, with mean 0 and variance 1 over the counted rows; 0 for missing and unlisted ones."""
    cells = counts.shape[1]
    order = np.array([cells + BELOW, *range(cells + MISSING), cells + ABOVE])
    ascending = counts[:, order]
    ascending[~ordered, 0] = ascending[~ordered, -1] = 0.0
    total = ascending.sum(axis=1, keepdims=True)
    rank = np.cumsum(ascending, axis=1) - (ascending + total) / 2.0
    deviation = np.sqrt((ascending * rank * rank).sum(axis=1, keepdims=True) / np.maximum(total, 1.0))
    scores = np.zeros_like(counts)
    scores[:, order] = np.divide(rank, deviation, out=np.zeros_like(rank), where=deviation > 1e-9)
    scores[~ordered, BELOW:] = 0.0
    return scores


def _variance(values: FloatArray, correlation: FloatArray) -> FloatArray:
    """The variance of a correlation's arctanh, times the number of rows, from the moments of its influence function."""
    rows = len(values)
    squares = values * values
    both = squares.T @ squares / rows
    cubes = (squares * values).T @ values / rows
    fourth = np.diag(both)
    spread = (
        both - correlation * (cubes + cubes.T) + correlation**2 / 4.0 * (fourth[:, None] + fourth[None, :] + 2.0 * both)
    )
    slope = np.maximum(1.0 - np.minimum(np.abs(correlation), _NEARLY_ONE) ** 2, 1e-6)
    return np.asarray(np.maximum(spread / slope**2, _LEAST_VARIANCE))


def _arctanh(correlation: npt.NDArray[Any]) -> FloatArray:
    return np.arctanh(np.clip(correlation.astype(np.float64), -_NEARLY_ONE, _NEARLY_ONE))
