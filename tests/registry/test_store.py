from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from tfbs_hub.cards import GateSetSpec
from tfbs_hub.errors import IntegrityError, NotFoundError, ReadOnlyError, UsageError
from tfbs_hub.registry import Registry
from tfbs_hub.registry.storage import sha256


def tree(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_layout_is_the_documented_one(real_fsync, registry, add, promote):
    spec = add(registry, "STAT3", b"weights")
    gate = promote(registry, b"gate")
    version, gate_version = sha256(b"weights")[:12], sha256(b"gate")[:12]
    assert set(tree(registry.path)) == {
        "registry.json",
        "lock",
        "generations/00000001.json",
        "generations/00000002.json",
        "generations/00000003.json",
        f"experts/STAT3/{version}/weights.safetensors",
        f"experts/STAT3/{version}/card.json",
        f"gates/{gate_version}/weights.safetensors",
        f"gates/{gate_version}/card.json",
    }
    assert json.loads((registry.path / "registry.json").read_text()) == {
        "format": "tfbs-hub-registry",
        "format_version": 1,
    }
    assert (spec.enabled, spec.origin, spec.gate_set) == (True, "registry", None)
    assert registry.read_weights(spec) == registry.read_weights(sha256(b"weights")) == b"weights"
    assert registry.read_gate_weights(gate) == b"gate"
    head = registry.head()
    assert (head.number, head.parent, head.gate) == (3, 2, gate.digest)
    assert [info.action for info in registry.generations()] == [
        "create",
        f"add-expert STAT3@{version}",
        f"retrain-gate {gate_version}",
    ]


def test_nothing_absolute_and_no_time_is_stored(tmp_path, add, promote):
    trees = []
    for folder in ("one", "another/place"):
        registry = Registry.create(tmp_path / folder)
        add(registry, "STAT3")
        promote(registry)
        registry.set_enabled("STAT3", False)
        trees.append(tree(registry.path))
        assert not any(str(tmp_path).encode() in data for data in trees[-1].values())
    assert trees[0] == trees[1]


def test_older_files_are_byte_identical_after_every_change(registry, add, promote):
    add(registry, "STAT3")
    promote(registry)
    before, digests = tree(registry.path), registry.snapshot_digests()
    add(registry, "REST")
    promote(registry, b"gate 2")
    registry.set_enabled("REST", False)
    registry.rollback()
    after = tree(registry.path)
    assert all(after[path] == data for path, data in before.items())
    assert digests.items() <= registry.snapshot_digests().items()
    assert digests == {path: sha256(data) for path, data in before.items() if path.endswith(".safetensors")}


def test_experts_are_listed_by_name_and_found_in_any_case(registry, add):
    for name in ("rest", "STAT3", "CTCF"):
        add(registry, name)
    assert [spec.card.name for spec in registry.experts()] == ["CTCF", "rest", "STAT3"]
    assert registry.expert("stat3").card.name == "STAT3"
    with pytest.raises(NotFoundError) as caught:
        registry.expert("STAT1")
    assert "STAT3" in caught.value.hint


def test_a_name_is_unique_whatever_its_case(registry, add):
    add(registry, "STAT3", b"one")
    with pytest.raises(UsageError, match="differs only in case"):
        add(registry, "Stat3", b"two")
    with pytest.raises(UsageError, match="differs only in case"):
        add(registry, "Stat3", b"one", replace=True)
    with pytest.raises(UsageError, match="already has another STAT3") as caught:
        add(registry, "STAT3", b"two")
    assert "--name" in caught.value.hint
    assert registry.head().number == 2


@pytest.mark.parametrize("name", ["../evil", "", "a/b", ".hidden", "moe", "con", "x" * 65, "a\nb"])
def test_unsafe_names_never_reach_the_disk(registry, add, name):
    before = tree(registry.path)
    with pytest.raises(UsageError):
        add(registry, name, b"w")
    assert tree(registry.path) == before


def test_adding_the_same_again_changes_nothing(registry, add):
    first = add(registry, "STAT3", b"one")
    registry.set_enabled("STAT3", False)
    again = add(registry, "STAT3", b"one", licence="another remark")
    assert again == replace(first, enabled=False)
    assert add(registry, "STAT3", b"one", replace=True).card == first.card
    assert registry.head().number == 3


def test_weights_must_be_those_of_the_card(registry, make_card):
    with pytest.raises(IntegrityError, match="differ from the digest"):
        registry.add_expert(make_card("STAT3", b"one"), {"weights.safetensors": b"two"})
    with pytest.raises(UsageError, match="files"):
        registry.add_expert(make_card("STAT3", b"one"), {"weights.safetensors": b"one", "extra.py": b""})
    assert not (registry.path / "experts").exists()


def test_a_stored_gate_set_goes_with_the_card_that_says_so(registry, make_card):
    stored = GateSetSpec(kind="stored", digest="0" * 64)
    files = {"weights.safetensors": b"one", "gate-set.h5": b"set"}
    spec = registry.add_expert(make_card("STAT3", b"one", gate_set=stored), files)
    assert spec.gate_set.read_bytes() == registry.read_gate_set(spec) == b"set"
    with pytest.raises(IntegrityError, match="gate set"):
        registry.add_expert(make_card("A", b"one"), files)
    with pytest.raises(IntegrityError, match="gate set"):
        registry.add_expert(make_card("A", b"one", gate_set=stored), {"weights.safetensors": b"one"})
    spec.gate_set.write_bytes(b"tes")
    with pytest.raises(IntegrityError):
        registry.read_gate_set(spec)


def test_the_validator_sees_the_staged_files_and_may_refuse(registry, make_card):
    seen = []

    def refuse(folder):
        seen.append(sorted(path.name for path in folder.iterdir()))
        raise IntegrityError("not an expert")

    with pytest.raises(IntegrityError, match="not an expert"):
        registry.add_expert(make_card("STAT3", b"one"), {"weights.safetensors": b"one"}, validate=refuse)
    assert seen == [["card.json", "weights.safetensors"]]
    assert registry.experts() == []
    assert not (registry.path / "experts").exists()


def test_a_replaced_version_serves_on_while_the_gate_mixes_it(registry, add, promote, errors):
    old = add(registry, "STAT3", b"one")
    promote(registry)
    new = add(registry, "STAT3", b"two", replace=True)
    assert registry.expert("STAT3").card == new.card
    assert registry.version(old.card.weights_sha256).card == old.card
    assert registry.gate().card.members[0].digest == old.card.weights_sha256
    with pytest.raises(NotFoundError):
        registry.version("0" * 64)
    promote(registry, b"gate 2")
    with pytest.raises(NotFoundError):
        registry.version(old.card.weights_sha256)
    assert errors(registry) == []


def test_the_same_weights_with_another_card_get_a_folder_of_their_own(registry, add, errors):
    first = add(registry, "STAT3", b"one")
    second = add(registry, "STAT3", b"one", replace=True, licence="CC0")
    assert second.card.licence == "CC0"
    assert second.weights.parent.name.startswith(first.weights.parent.name + "-")
    assert registry.expert("STAT3").card.licence == "CC0"
    registry.remove("STAT3")
    assert add(registry, "STAT3", b"one", licence="MIT").card.licence == "MIT"
    assert errors(registry) == []


def test_a_damaged_version_in_place_is_not_built_on(registry, add):
    spec = add(registry, "STAT3", b"one")
    registry.remove("STAT3")
    spec.weights.write_bytes(b"eno")
    with pytest.raises(IntegrityError) as caught:
        add(registry, "STAT3", b"one")
    assert caught.value.where == str(spec.weights)


def test_damage_is_named_wherever_it_is_read(registry, add, promote):
    spec = add(registry, "STAT3", b"one")
    gate = promote(registry)
    spec.weights.write_bytes(b"eno")
    with pytest.raises(IntegrityError, match="differ"):
        registry.read_weights(spec)
    gate.weights.unlink()
    with pytest.raises(IntegrityError, match="missing"):
        registry.read_gate_weights(gate)
    card = spec.weights.with_name("card.json")
    card.write_bytes(card.read_bytes().replace(b"STAT3", b"STAT5"))
    with pytest.raises(IntegrityError) as caught:
        registry.experts()
    assert caught.value.where == str(card)
    assert "tfbs-hub verify" in caught.value.hint


def test_opening_what_is_no_registry(tmp_path, registry):
    with pytest.raises(NotFoundError, match="no registry"):
        Registry.open(tmp_path)
    path = registry.path / "registry.json"
    path.write_text('{"format":"tfbs-hub-registry","format_version":2}')
    with pytest.raises(IntegrityError, match="format version 2"):
        Registry.open(registry.path)
    for text in ("", "[]", "nonsense", '{"format":"other","format_version":1}', '{"format":"tfbs-hub-registry"}'):
        path.write_text(text)
        with pytest.raises(IntegrityError):
            Registry.open(registry.path)


def test_creating_where_something_is(tmp_path, registry):
    with pytest.raises(UsageError, match="already"):
        Registry.create(registry.path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(UsageError, match="other things"):
        Registry.create(tmp_path / "mine")
    with pytest.raises(UsageError, match="file"):
        Registry.create(tmp_path / "mine" / "thesis.tex")


def test_a_read_only_registry_reads_and_refuses_every_change(registry, add, promote, make_card, make_gate):
    spec = add(registry, "STAT3", b"one")
    promote(registry)
    shutil.rmtree(registry.path / "tmp")
    (registry.path / "lock").unlink()
    before = tree(registry.path)
    closed = Registry.open(registry.path, read_only=True)
    assert closed.experts() == [spec]
    assert closed.gate().current
    assert closed.verify() == []
    assert closed.gc().applied is False
    for change in (
        lambda: closed.add_expert(make_card("A", b"a"), {"weights.safetensors": b"a"}),
        lambda: closed.add_gate(make_gate([spec]), b"gate"),
        lambda: closed.set_enabled("STAT3", False),
        lambda: closed.remove("STAT3"),
        closed.rollback,
        lambda: closed.gc(apply=True),
        lambda: closed.place_evaluation("run", b"data"),
    ):
        with pytest.raises(ReadOnlyError) as caught:
            change()
        assert "--registry" in caught.value.hint
    assert tree(registry.path) == before
    assert not (registry.path / "tmp").exists()


def test_a_file_system_mounted_read_only_refuses_at_the_first_write(registry, add, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(ReadOnlyError) as caught:
        add(registry, "STAT3")
    assert "--registry" in caught.value.hint
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert Registry.open(registry.path).read_only


def test_a_copy_from_git_works_without_empty_folders(registry, add, tmp_path):
    add(registry, "STAT3")
    shutil.copytree(registry.path, tmp_path / "clone", ignore=shutil.ignore_patterns("tmp", "lock"))
    clone = Registry.open(tmp_path / "clone")
    assert add(clone, "REST").card.name == "REST"
    assert [spec.card.name for spec in clone.experts()] == ["REST", "STAT3"]


def test_importing_it_brings_no_tensors():
    code = "import sys, tfbs_hub.registry.bundle; print(sorted({'torch', 'numpy', 'h5py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
