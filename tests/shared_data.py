"""Real logs and reference figures kept beside the checkout; tests that use them skip loudly without them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_FOLDER = Path(os.environ.get("DEALTRACE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
SHARED: Path | None = _FOLDER if (_FOLDER / "oracle").is_dir() else None
LOGS = _FOLDER / "data" / "logs"
CRM = _FOLDER / "data" / "crm"
ORACLE = _FOLDER / "oracle"

needs_shared = pytest.mark.skipif(
    SHARED is None,
    reason=f"SKIPPED: the real logs and reference figures are not at {_FOLDER} (set DEALTRACE_SHARED)",
)
