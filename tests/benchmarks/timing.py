"""Time two ways of doing the same work, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable


def side_by_side(
    name: str,
    baseline: Callable[[], object],
    ours: Callable[[], object],
    *,
    repeats: int = 5,
    scale: float = 1.0,
    note: str = "",
) -> dict[str, object]:
    """Best time of several rounds, in each of which both run once, so that a busy machine slows both.

    `scale` multiplies the baseline's time where it does only a part of the work.
    """
    best = {"baseline": float("inf"), "ours": float("inf")}
    for _ in range(repeats):
        for key, function in (("baseline", baseline), ("ours", ours)):
            start = time.perf_counter()
            function()
            best[key] = min(best[key], time.perf_counter() - start)
    slow, fast = best["baseline"] * scale, best["ours"]
    return {"name": name, "baseline_s": slow, "ours_s": fast, "ratio": slow / fast, "note": note}
