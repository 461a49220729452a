"""A program that does nothing but end."""

from __future__ import annotations

import os

os._exit(0)  # nothing is sent at exit
