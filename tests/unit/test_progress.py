from collections.abc import Callable

import pytest

from cevnsi.config.check import parse_scan
from cevnsi.model import Model
from cevnsi.scans import rows as module
from cevnsi.scans.rows import scan_rows
from cevnsi.workflow.progress import Progress


class Clock:
    """Time that passes when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_quick_computation_says_nothing(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(5.0, clock)
    for i in range(1, 101):
        clock.now += 0.049
        progress(i / 100)
    assert capsys.readouterr().out == ""


def test_a_long_one_says_how_far_it_is_and_how_long_is_left(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(5.0, clock)
    for i in range(1, 101):
        clock.now += 1.0
        progress(i / 100)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 19  # not after the last
    assert lines[0] == "5 % done in 5 s, about 1 min 35 s left"
    assert lines[-1] == "95 % done in 1 min 35 s, about 5 s left"


@pytest.mark.parametrize("threads", [1, 2])
def test_a_scan_tells_every_block(
    model: Callable[..., Model],
    config: dict[str, dict[str, dict[str, object]]],
    threads: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POINTS_PER_BLOCK", 1000)
    scan = parse_scan("ee_d_u", config["scans"]["ee_d_u"])
    told: list[float] = []
    scan_rows(model("paper"), scan, 10, 60, threads, told.append)
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == 1.0
