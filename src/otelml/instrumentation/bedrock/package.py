"""The versions of botocore that are instrumented: from the Converse API on."""

from __future__ import annotations

REQUIRES = ("botocore >= 1.34.116",)
