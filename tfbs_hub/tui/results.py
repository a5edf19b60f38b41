"""A finished evaluation, drawn: intervals to scale, ROC curves, tests in words and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tfbs_hub.tui.charts import axis_start, interval_strip, plane
from tfbs_hub.tui.text import block, cut, line
from tfbs_hub.workbench.messages import DataView, ModelView, PairView, RunView

__all__ = ["about", "intervals", "model_styles", "roc", "tests"]

_ROC_MODELS: Final = 6


def model_styles(names: Sequence[str], theme: Mapping[str, str]) -> dict[str, str]:
    """How each model is written: the mixture in the accent, experts in turn in the colours of the bases."""
    colours = [theme[f"base-{base}"] for base in "acgt"]
    experts = [name for name in names if name not in {"moe", "mean"}]
    styles = {name: colours[place % 4] + (" bold" if place >= 4 else "") for place, name in enumerate(experts)}
    return styles | {"moe": f"bold {theme['accent']}", "mean": theme["foreground"]}


def intervals(run: RunView, data: DataView, width: int, styles: Mapping[str, str]) -> Group:
    """The reading in words, and every model's AUROC with its interval."""
    start = axis_start(model.auroc[1] for each in run.datasets for model in each.models)
    name = max((len(model.name) for model in data.models), default=4)
    name = min(name, 20)
    room = min(max(width - name - 34, 16), 72)
    chart = Text()
    for model in data.models:
        chart.append(f"{cut(model.name, name):<{name}}  ", styles.get(model.name, ""))
        chart.append(f"{model.auroc[0]:.3f}  ", "bold")
        chart.append_text(interval_strip(*model.auroc, room, span=(start, 1.0)))
        chart.append(f"  {model.auroc[1]:.3f}-{model.auroc[2]:.3f}\n", "dim")
    chart.append(f"{'':<{name + 9}}{_axis(start, room)}", "dim")
    parts: list[RenderableType] = []
    if len(run.datasets) > 1:
        parts += [block(run.summary), Text()]
    parts += [
        _heading(data),
        block(data.reading),
        *(block(caution, "italic") for caution in data.cautions),
        Text(),
        chart,
    ]
    parts += [Text(), _measures(data, styles)]
    return Group(*parts)


def roc(data: DataView, width: int, height: int, styles: Mapping[str, str]) -> Group:
    """ROC curves of the best models, each with its number in the legend."""
    models = data.models[:_ROC_MODELS]
    curves = [(model.roc, styles.get(model.name, ""), str(place)) for place, model in enumerate(models, 1)][::-1]
    columns = min(max(width - 34, 20), 2 * height + 20)
    rows = plane(curves, columns, height)
    picture = Text()
    legend = [_key(place, model, styles) for place, model in enumerate(models, 1)]
    if len(data.models) > len(models):
        legend.append(Text(f"and {len(data.models) - len(models)} more", "dim"))
    for number, row in enumerate(rows):
        mark = "1.0" if number == 0 else "0.5" if number == height // 2 else "0.0" if number == height - 1 else ""
        picture.append(f"{mark:>4} │", "dim")
        picture.append_text(row)
        if number < len(legend):
            picture.append("  ").append_text(legend[number])
        picture.append("\n")
    picture.append(f"{'':>4} └{'─' * columns}\n", "dim")
    picture.append(f"{'':>6}0{'false positive rate':^{columns - 2}}1", "dim")
    return Group(_heading(data), Text("true positive rate", "dim"), picture)


def tests(run: RunView, data: DataView, width: int, styles: Mapping[str, str]) -> Group:
    """DeLong first, then the paired bootstrap; ANOVA and Tukey with the caution that belongs to them."""
    parts: list[RenderableType] = [_heading(data), block(data.reading), Text()]
    parts += _pairs("DeLong's test, p corrected by Holm", data.delong, width, styles)
    parts += _pairs("paired bootstrap, p corrected by Holm", data.paired, width, styles)
    if data.paired:
        parts += [block(run.resolution, "dim"), Text()]
    if data.anova:
        parts += [
            Text("one-way ANOVA over the resamples", "bold"),
            block(data.anova),
            block(run.caution, "dim"),
            Text(),
        ]
    parts += _pairs("Tukey's honestly significant difference", data.tukey, width, styles)
    if len(data.models) < 2:
        parts.append(Text("One model alone has nothing to be tested against.", "dim"))
    return Group(*parts)


def about(run: RunView) -> Group:
    """Where a run comes from, and how to ask the same again."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows = [
        ("run", run.run),
        ("file", run.path),
        ("models", ", ".join(run.models)),
        ("resamples", f"{run.trials:,}, seed {run.seed}"),
        ("mean AUROC", ", ".join(f"{name} {value:.3f}" for name, value in run.means)),
        *(
            ("data", f"{data.name}: {data.rows:,} rows, {data.positives:,} bound; against {data.negatives}")
            for data in run.datasets
        ),
        ("command", " ".join(["tfbs-hub", *run.command])),
    ]
    for label, value in rows:
        table.add_row(label, block(value))
    return Group(table)


def _heading(data: DataView) -> Text:
    text = line(data.called, "bold")
    text = Text("").append_text(text)
    text.append(f"  {data.rows:,} sequences, {data.positives:,} bound", "dim")
    return text


def _axis(start: float, room: int) -> str:
    return f"{start:.2f}{'1.00':>{room - 4}}"


def _key(place: int, model: ModelView, styles: Mapping[str, str]) -> Text:
    text = Text("").append(f"━{place}━ ", styles.get(model.name, ""))
    text.append(f"{cut(model.name, 16):<16} {model.auroc[0]:.3f}")
    return text


def _measures(data: DataView, styles: Mapping[str, str]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "AUPRC", "Brier", "ECE", "floor", "bootstrap", "mean weight"):
        weight = title == "mean weight"
        table.add_column(title, justify="left" if weight or not title else "right", no_wrap=not weight)
    for model in data.models:
        weights = "  ".join(f"{cut(name, 12)} {value:.2f}" for name, value in model.alpha.items())
        table.add_row(
            line(cut(model.name, 20), styles.get(model.name, "")),
            f"{model.auprc[0]:.3f}",
            f"{model.brier[0]:.3f}",
            f"{model.ece[0]:.3f}",
            f"{model.ece_floor:.3f}",
            f"{model.bootstrap[0]:.3f} ± {model.bootstrap[1]:.3f}",
            block(weights, "dim"),
        )
    return table


def _pairs(title: str, rows: Sequence[PairView], width: int, styles: Mapping[str, str]) -> list[RenderableType]:
    if not rows:
        return []
    reach = max((max(abs(row.low), abs(row.high)) for row in rows), default=0.0) or 1.0
    names = max(len(cut(row.a, 14)) + len(cut(row.b, 14)) + 3 for row in rows)
    # Where there is little room the interval is drawn and not written, the drawing smaller.
    written = width >= names + 70
    room = min(max(width - names - (47 if written else 26), 13), 41) // 2 * 2 + 1
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    axis = f"-{reach:.2f}{'0':^{room - 10}}+{reach:.2f}"
    for column in ("", "difference", *(["95%"] if written else []), axis, "p"):
        table.add_column(column, justify="right" if column in {"difference", "p"} else "left", no_wrap=True)
    for row in rows:
        pair = Text("").append_text(line(cut(row.a, 14), styles.get(row.a, "")))
        pair.append(" - ", "dim").append_text(line(cut(row.b, 14), styles.get(row.b, "")))
        strip = interval_strip(row.difference, row.low, row.high, room, span=(-reach, reach))
        table.add_row(
            pair,
            f"{row.difference:+.3f}",
            *([f"{row.low:+.3f} to {row.high:+.3f}"] if written else []),
            strip,
            line(row.p, "bold" if row.clear else "dim"),
        )
    return [Text(title, "bold"), table, Text()]
