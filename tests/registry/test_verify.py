from __future__ import annotations

import pytest

from tfbs_hub.errors import IntegrityError


@pytest.fixture
def full(registry, add, promote):
    add(registry, "STAT3")
    add(registry, "REST")
    promote(registry)
    registry.place_evaluation("run-1", b"data")
    return registry


def test_a_sound_registry_has_no_findings(full):
    assert full.verify() == []


def test_every_changed_byte_of_every_file_is_found(full):
    checked = 0
    for path in sorted(full.path.rglob("*")):
        if not path.is_file() or path.name in {"lock", "registry.json", "run-1.h5"}:
            continue
        good = path.read_bytes()
        for bad in (bytes([good[0] ^ 1]) + good[1:], good[:-1], good + b"\n"):
            path.write_bytes(bad)
            findings = full.verify()
            relative = path.relative_to(full.path).as_posix()
            assert [(f.severity, f.path) for f in findings] == [("error", relative)]
            assert findings[0].what
        path.unlink()
        assert any(relative == f.path and "missing" in f.what for f in full.verify()) or "generations" in relative
        path.write_bytes(good)
        checked += 1
    assert checked == 10
    assert full.verify() == []


def test_damage_to_the_head_points_at_rollback(full):
    path = full.path / "generations" / "00000004.json"
    path.write_bytes(b"x")
    (finding,) = full.verify()
    assert "rollback" in finding.hint
    for each in path.parent.iterdir():
        each.unlink()
    assert full.verify()[0].what == "all generations are missing"


def test_cards_are_read_for_their_meaning(full, tmp_path):
    # A card that is intact but another's can come only from a generation made wrongly; so make one.
    from dataclasses import replace

    from tfbs_hub.registry import history

    head = full.head()
    swapped = head.next("swap", experts={"STAT3": head.experts["STAT3"], "REST": head.experts["REST"]})
    rest, stat3 = swapped.experts["REST"], swapped.experts["STAT3"]
    files = dict(rest.files) | {"card.json": stat3.files["card.json"]}
    swapped.experts["REST"] = replace(rest, files=files)
    card = full.path / "experts/REST" / rest.version / "card.json"
    card.write_bytes((full.path / "experts/STAT3" / stat3.version / "card.json").read_bytes())
    history.publish(full.path, swapped)
    assert any("not that of REST" in finding.what for finding in full.verify() if finding.severity == "error")


def test_strays_are_noted_and_harm_nothing(full):
    (full.path / "thesis.tex").touch()
    (full.path / "generations/7.json").touch()
    orphan = full.path / "experts/STAT3/0123456789ab"
    orphan.mkdir()
    (orphan / "weights.safetensors").touch()
    findings = full.verify()
    assert {finding.severity for finding in findings} == {"note"}
    assert [finding.path for finding in findings] == [
        "experts/STAT3/0123456789ab",
        "generations/7.json",
        "thesis.tex",
    ]
    assert full.head().number == 4


def test_deeper_checks_report_instead_of_raising(full):
    seen = []

    def check(spec):
        seen.append(spec.card.name)
        if spec.card.name == "REST":
            raise IntegrityError("golden predictions differ", where="golden", hint="update tfbs-hub")

    def check_gate(record):
        seen.append(record.digest)
        raise IntegrityError("gate differs")

    findings = full.verify(check, check_gate)
    assert sorted(seen) == sorted(["REST", "STAT3", full.gate().digest])
    assert [finding.what for finding in findings] == ["golden predictions differ", "gate differs"]
    full.expert("REST").weights.write_bytes(b"TSER")
    assert "golden predictions differ" not in [finding.what for finding in full.verify(check)]
