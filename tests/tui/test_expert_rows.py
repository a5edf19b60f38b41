"""The table of experts, sorted."""

from __future__ import annotations

import asyncio

from tfbs_hub.tui.expert_rows import COLUMNS, ORDERS
from tfbs_hub.tui.widgets.table import Table


def test_experts_are_sorted_by_key_and_by_click(opened):
    async def go():
        async with opened((160, 40)) as pilot:
            screen, table = pilot.app.screen, pilot.app.screen.query_one("#experts", Table)

            def shown():
                return [row.value for row in table.rows]

            assert shown() == ["EBOX", "ETS"]
            await pilot.press("down")
            await pilot.press("s")
            aurocs = [pilot.app.desk.spec(name).card.metric().value for name in shown()]
            assert screen.order == "AUROC" and aurocs == sorted(aurocs, reverse=True)
            assert "by AUROC" in str(screen.query_one(".list").border_title)
            # The cursor goes with its row.
            assert table.chosen == "ETS"
            for _ in range(len(ORDERS)):
                await pilot.press("s")
            assert screen.order is None and shown() == ["EBOX", "ETS"]
            # A click on a title sorts by it, another one puts everything back.
            for order in ("TF", None):
                assert await pilot.click("#experts", offset=(table.ordered_columns[0].get_render_width(table) + 1, 0))
                assert screen.order == order

    asyncio.run(go())


def test_every_order_is_of_a_column_and_of_any_expert(opened):
    async def go():
        async with opened() as pilot:
            desk = pilot.app.desk
            for column, order in ORDERS.items():
                assert column in COLUMNS
                assert len(sorted(desk.specs, key=lambda spec, order=order: order(spec, desk))) == len(desk.specs)

    asyncio.run(go())
