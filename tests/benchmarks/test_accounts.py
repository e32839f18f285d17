"""The benchmark of the accounts, small: it measures what it says, and asserts no time."""

from pathlib import Path

import pytest

from tests.benchmarks.accounts import Compared, Lag, measure, report


async def test_it_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compared, lag = await measure(tmp_path, tries=3, parallel=3, cost=4)
    assert [found.call for found in compared] == ["login", "password_reset"]
    assert all(found.known > 0 and found.unknown > 0 for found in compared)
    assert lag.seconds > 0
    capsys.readouterr()
    report(compared, lag, 3)
    shown = capsys.readouterr().out
    assert "login" in shown
    assert "password_reset" in shown


def test_the_ratio_is_that_of_the_larger() -> None:
    assert Compared("login", 2.0, 1.0).ratio == Compared("login", 1.0, 2.0).ratio == 2.0
    assert Lag(1.0, 1.0, 1.0).worst == 1.0
