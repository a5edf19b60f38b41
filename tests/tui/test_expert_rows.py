"""The table of experts, sorted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tfbs_hub.tui.expert_rows import COLUMNS, ORDERS, table_of
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


def test_every_order_is_of_a_column(opened):
    async def go():
        async with opened() as pilot:
            ebox, ets = pilot.app.desk.specs
            desk = replace(pilot.app.desk, mixed=frozenset({ets.card.weights_sha256}))
            # Whichever of the two comes first by each column; the other way round if they change places.
            bare = replace(ebox, card=replace(ebox.card, name="zz", tf="zz", family="zz", cell="zz", metrics=()))
            far = replace(bare, origin="a-package", enabled=False, card=replace(bare.card, architecture="zoo:Zz"))
            for column, order in ORDERS.items():
                assert column in COLUMNS
                assert [*sorted([far, ets], key=lambda spec, order=order: order(spec, desk))] == [ets, far], column
            _, rows = table_of([ets, bare], desk, 200)
            assert [name for name, _ in rows] == [ets.card.name, "zz"]

    asyncio.run(go())
