"""The application on a small real registry, without a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tfbs_hub.tui.app import HubApp


@pytest.fixture
def opened(registry: Path) -> Callable[..., AbstractAsyncContextManager[Pilot[None]]]:
    """Run the application on a copy of the trained registry (or another folder); it is open when the block begins."""

    @asynccontextmanager
    async def run(
        size=(120, 40), folder: Path | str | None = registry, wait: bool = True
    ) -> AsyncIterator[Pilot[None]]:
        app = HubApp(None if folder is None else str(folder))
        async with app.run_test(size=size, notifications=True) as pilot:
            if wait:
                await until(pilot, lambda: app.desk is not None)
            await pilot.pause()
            yield pilot

    return run


async def until(pilot: Pilot[None], true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to be."""
    for _ in range(int(seconds / 0.05)):
        if true():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come")


@pytest.fixture
def waits() -> Callable[..., object]:
    """`until`."""
    return until


@pytest.fixture
def screen_text() -> Callable[[HubApp], str]:
    """What the screen shows, as plain text."""

    def text(app: HubApp) -> str:
        strips = app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    return text
