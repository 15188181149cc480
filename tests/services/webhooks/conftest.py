"""Webhooks on the small merchant of tests/services."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # so that tests here can import hook_calls
