"""What calls of GenAI models cost, and what conversations come to."""

from __future__ import annotations

from otelml.monitors.genai.conversations import Conversations
from otelml.monitors.genai.cost import INFERENCES, Appraisal, Cost, appraise, is_paid
from otelml.monitors.genai.genai_prices import GenAIPrices
from otelml.monitors.genai.ledger import Ledger
from otelml.monitors.genai.price_table import PriceTable
from otelml.monitors.genai.prices import PriceList, Prices

__all__ = [
    "INFERENCES",
    "Appraisal",
    "Conversations",
    "Cost",
    "GenAIPrices",
    "Ledger",
    "PriceList",
    "PriceTable",
    "Prices",
    "appraise",
    "is_paid",
]
