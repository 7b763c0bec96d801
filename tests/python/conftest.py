"""What all Python tests share."""

import os
from pathlib import Path

import hypothesis
import pytest

# One verdict per commit: the same examples on every machine. HYPOTHESIS_PROFILE=explore looks further.
hypothesis.settings.register_profile("default", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public traces, from $APPORTION_DATA or beside the checkout; skips the test when absent."""
    folder = Path(os.environ.get("APPORTION_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no traces in {folder}: set APPORTION_DATA")
    return folder
