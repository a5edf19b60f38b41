from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from html import escape, unescape
from html.parser import HTMLParser
from importlib.resources import files
from math import inf, nan

import pytest

from tfbs_hub.report.html import write_report
from tfbs_hub.report.text import aliases

VOID = {"meta"}


class Page(HTMLParser):
    """What a page holds: tags in order, ids, links, and the text of its tables; fails on a tag out of place."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.tags, self.ids, self.links, self.tables = [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag, attrs):
        self.note(tag, attrs)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.note(tag, attrs)

    def note(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} has a handler {name}"
            if name == "id":
                self.ids.append(value)
            elif name in {"href", "src"}:
                self.links.append(value)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if ({"td", "th"} & set(self.stack)) and "small" not in self.stack:
            self.tables[-1][-1][-1] += data.strip()


@pytest.fixture(scope="module")
def report(paper_run):
    return write_report(paper_run)


def test_every_shape_is_a_well_formed_page_that_needs_nothing_from_outside(run):
    text = write_report(run)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert {f"#{name}" for name in re.findall(r"url\(#([^)]+)\)", text)} <= {f"#{name}" for name in page.ids}
    assert not re.search(r"https?:|@import|<script|javascript:|\bsrc=", text)
    assert text.startswith('<!doctype html>\n<html lang="en">') and "Content-Security-Policy" in text
    assert page.tags.count("h1") == 1 and text.count("<table") == text.count("<caption>")
    mixture = any(model.alpha for data in run.datasets for model in data.models)
    figures = 2 * len(run.datasets) + 2 + mixture
    assert text.count('role="img"') == text.count('role="img" aria-label="') == figures


def test_the_same_run_gives_the_same_bytes(paper_run, report):
    assert write_report(paper_run) == report


def test_the_table_at_a_glance_holds_the_numbers_of_the_run(paper_run, report):
    glance = Page(report).tables[0]
    assert glance[0] == ["Data set", "moe", "mean", "ARID3A", "FOXM1", "GATA3"]
    for row, data in zip(glance[1:-1], paper_run.datasets, strict=True):
        assert row[0] == data.name
        assert [cell.lstrip("≈") for cell in row[1:]] == [f"{model.auroc.value:.3f}" for model in data.models]
    means = [sum(data.models[place].auroc.value for data in paper_run.datasets) / 9 for place in range(5)]
    assert glance[-1] == ["Mean", *(f"{mean:.3f}" for mean in means)]


def test_only_what_the_test_cannot_tell_from_the_best_is_marked(paper_run, report):
    for row, data in zip(Page(report).tables[0][1:-1], paper_run.datasets, strict=True):
        best = max(data.models, key=lambda model: model.auroc.value)
        for cell, model in zip(row[1:], data.models, strict=True):
            tests = [test.p_holm for test in data.delong if {test.a, test.b} == {model.name, best.name}]
            assert cell.startswith("≈") == bool(tests and tests[0] >= 0.05)


def test_every_measure_and_every_test_of_a_data_set_is_there(paper_run, report):
    _, measures, delong, paired, tukey = Page(report).tables[:5]
    data = paper_run.datasets[0]
    for row, model in zip(measures[1:], data.models, strict=True):
        values = (model.auprc.value, model.brier.value, model.ece.value, model.ece_floor)
        spread = f"{model.bootstrap_mean:.3f} ± {model.bootstrap_sd:.3f}"
        assert row == [model.name, f"{model.auroc.value:.3f}", spread, *(f"{value:.3f}" for value in values)]
        low, high = model.auroc.ci95
        assert f"<small>{low:.3f}\u2013\u2060{high:.3f}</small>" in report
    for table, rows in ((delong, data.delong), (paired, data.paired), (tukey, data.tukey)):
        assert [line[0] for line in table[1:]] == [f"{row.a} \u2212 {row.b}" for row in rows]
        assert [line[1] for line in table[1:]] == [f"{row.difference:+.3f}".replace("-", "\u2212") for row in rows]
    assert f"F({data.anova.df_between}, {data.anova.df_within}) = {data.anova.F:.1f}" in report
    assert report.count("overstates certainty") == 9 + 1


def test_hostile_names_are_shown_and_do_nothing(hostile_run):
    text = write_report(hostile_run)
    assert "<script" not in text and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\x1b" not in text and "\u202e" not in text
    page = Page(text)
    assert page.tables[0][0][2:6] == ["<script>alert(1)</script>", "[bold]x", "$\\frac{1}{0}$", "_private"]


def test_hostile_cards_versions_and_commands_do_nothing(paper_run):
    bad = '"><script>alert(1)</script>\x1b'
    card = {"weights_sha256": bad, "tf": bad, "cell": bad, "architecture": bad, "members": [{"name": bad}]}
    run = replace(
        paper_run,
        run=bad,
        models={bad: card},
        versions={bad: bad},
        command=(bad,),
        datasets=tuple(
            replace(data, file={"name": bad, "sha256": bad, "rows": 3}, negatives=bad, sequence_digest=bad)
            for data in paper_run.datasets[:1]
        ),
    )
    text = write_report(run)
    assert "<script" not in text and "\x1b" not in text
    Page(text)


def test_where_everything_came_from(paper_run, report):
    for data in paper_run.datasets:
        assert f"{data.name}.seq.gz" in report and data.file["sha256"] in report and data.sequence_digest in report
    assert all(card["weights_sha256"] in report for card in paper_run.models.values() if card)
    assert all(part in report for part in (paper_run.run, "seed 0", "0.1.0", "3.11.9"))


def test_the_command_can_be_pasted_into_a_shell(paper_run, report):
    command = re.search(r"<pre[^>]*><code>(.*?)</code></pre>", report, re.DOTALL)[1]
    assert shlex.split(unescape(re.sub(r"</?span>", "", command))) == ["tfbs-hub", *paper_run.command]


def test_long_names_are_short_in_figures_and_whole_in_their_section(make_run):
    names = ["ARID3A_HepG2_ARID3A_(NB100-279)_Stanford_B", "GATA3_SH-SY5Y_GATA3_(SC-269)_USC_B"]
    text = write_report(make_run(names, ["moe", "GATA3"], rows=60))
    assert [row[0] for row in Page(text).tables[0][1:3]] == list(aliases(names).values()) == ["ARID3A", "GATA3"]
    assert all(f'<p class="name">{name}</p>' in text for name in names)
    assert "<h3>ARID3A</h3>" in text and "On GATA3 the" in text


def test_numbers_that_do_not_exist_are_dashes(paper_run):
    data = paper_run.datasets[0]
    anova = replace(data.anova, F=inf, p=0.0, eta2=nan)
    delong = (replace(data.delong[0], z=-inf, p=0.0, p_holm=0.0), *data.delong[1:])
    text = write_report(replace(paper_run, datasets=(replace(data, anova=anova, delong=delong, tukey=None),)))
    assert "= ∞, p &lt; 1e-300, η² = \u2013" in text
    assert "\u2212∞" in text and not re.search(r"\b(nan|inf|None)\b", text)


def test_what_flatters_a_model_is_said(paper_run):
    card = {"provenance": {"files": [{"sha256": paper_run.datasets[0].file["sha256"]}], "simulated": True}}
    text = write_report(replace(paper_run, models={**paper_run.models, "GATA3": card}))
    assert text.count("Caution: the expert GATA3 learned from this very file") == 1
    assert "trained on simulated sequences" in text


def test_the_template_and_style_are_part_of_the_package():
    for name in ("report.html.j2", "report.css"):
        assert (files("tfbs_hub.report") / name).is_file()


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install chromium to test the page's layout")
def test_no_page_scrolls_sideways_on_a_phone_or_a_desktop(runs, tmp_path):
    pages = [(shape, width) for shape in ("paper", "hostile") for width in (390, 1280)]
    frames = "".join(
        f'<iframe style="width:{width}px;height:800px;border:0" srcdoc="{escape(write_report(runs[shape]))}"></iframe>'
        for shape, width in pages
    )
    script = (
        "onload = () => { document.body.dataset.widths = [...document.querySelectorAll('iframe')]"
        ".map(frame => frame.contentDocument.documentElement.scrollWidth).join() }"
    )
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><body style='width:1400px'>{frames}<script>{script}</script>", "utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *options, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    widths = re.search(r'data-widths="([^"]*)"', done.stdout)[1]
    # A vertical scroll bar takes some of the width.
    for (shape, room), needed in zip(pages, map(int, widths.split(",")), strict=True):
        assert 0 < needed <= room, (shape, room, needed)
