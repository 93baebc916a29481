"""Puts this folder on the path, so that the stand-ins can be imported from inside AppTest's own modules."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
