from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.fuzz import EXPLORING

settings.register_profile("tests", derandomize=not EXPLORING, database=None)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--refresh", action="store_true", help="write the expected texts anew instead of comparing with them"
    )


class Golden:
    """Compares texts with files, or writes them."""

    def __init__(self, refresh: bool) -> None:
        self.refresh = refresh

    def check(self, text: str, path: Path) -> None:
        if self.refresh:
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"{path} is missing: run pytest with --refresh, and read what it wrote"
        assert text == path.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.config.getoption("--refresh"))
