from __future__ import annotations

import io
import json
import stat
import struct
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfbs_hub import limits
from tfbs_hub.cards import GateSetSpec, canonical_json
from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, TfbsHubError, UsageError
from tfbs_hub.registry import Registry
from tfbs_hub.registry.bundle import export_expert, read_bundle
from tfbs_hub.registry.storage import sha256


def taken_in(registry, path):
    bundle = read_bundle(path)
    return registry.add_expert(bundle.card, bundle.files)


@pytest.fixture
def exported(registry, make_card, tmp_path):
    stored = GateSetSpec(kind="stored", digest="0" * 64)
    files = {"weights.safetensors": b"weights" * 9, "gate-set.h5": b"set" * 9}
    registry.add_expert(make_card("STAT3", files["weights.safetensors"], gate_set=stored), files)
    return export_expert(registry, "STAT3", tmp_path / "STAT3.tfbs")


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, manifest=None):
    """A bundle with `members` (name or ZipInfo, bytes), its manifest made to fit unless given."""
    plain = {key if isinstance(key, str) else key.filename: data for key, data in members}
    listed = {
        name: {"sha256": sha256(data), "size": len(data)} for name, data in plain.items() if name != "bundle.json"
    }
    document = {"format": "tfbs-hub-bundle", "format_version": 1, "kind": "expert", "name": "STAT3", "files": listed}
    with zipfile.ZipFile(path, "w") as archive:
        for key, data in members:
            archive.writestr(key, data)
        if "bundle.json" not in plain:
            archive.writestr("bundle.json", canonical_json({**document, **(manifest or {})}))
    return path


@pytest.fixture
def good(exported):
    return [(name, data) for name, data in contents(exported).items() if name != "bundle.json"]


def test_an_expert_travels(exported, tmp_path, registry):
    other = Registry.create(tmp_path / "other")
    spec = taken_in(other, exported)
    assert spec.card == registry.expert("STAT3").card
    assert spec.weights.read_bytes() == b"weights" * 9
    assert spec.gate_set.read_bytes() == b"set" * 9
    assert other.verify() == []


def test_equal_experts_have_equal_bundles(exported, tmp_path):
    other = Registry.create(tmp_path / "other")
    taken_in(other, exported)
    assert export_expert(other, "stat3", tmp_path / "again").read_bytes() == exported.read_bytes()


def test_the_manifest_is_the_documented_one(exported):
    files = contents(exported)
    assert list(files) == ["bundle.json", "card.json", "gate-set.h5", "weights.safetensors"]
    manifest = json.loads(files.pop("bundle.json"))
    assert manifest == {
        "format": "tfbs-hub-bundle",
        "format_version": 1,
        "kind": "expert",
        "name": "STAT3",
        "files": {name: {"sha256": sha256(data), "size": len(data)} for name, data in files.items()},
    }


def test_no_file_is_overwritten(exported, registry, tmp_path):
    before = exported.read_bytes()
    with pytest.raises(UsageError, match="exists"):
        export_expert(registry, "STAT3", exported)
    assert exported.read_bytes() == before
    with pytest.raises(NotFoundError):
        export_expert(registry, "STAT3", tmp_path / "none" / "file")
    with pytest.raises(NotFoundError):
        export_expert(registry, "STAT4", tmp_path / "new")


def test_damaged_weights_are_not_exported(registry, add, tmp_path):
    add(registry, "REST").weights.write_bytes(b"TSER")
    with pytest.raises(IntegrityError):
        export_expert(registry, "REST", tmp_path / "REST.tfbs")
    assert not (tmp_path / "REST.tfbs").exists()


def test_what_is_no_bundle_at_all(tmp_path):
    with pytest.raises(NotFoundError):
        read_bundle(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(InputError, match="not a bundle"):
        read_bundle(tmp_path / "text")
    with pytest.raises(IntegrityError):
        read_bundle(tmp_path)


def test_deflated_bundles_are_read(good, tmp_path):
    path = tmp_path / "deflated"
    write(path, good)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    assert read_bundle(path).card.name == "STAT3"


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/card.json", "evil.py", "card.json\0x", "CARD.JSON", ""])
def test_unknown_names_are_refused(good, tmp_path, name):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    with pytest.raises(IntegrityError):
        read_bundle(write(tmp_path / "b", [*good[:2], (info, b"x")]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["STAT3.tfbs", "b", "registry"]


def test_a_name_hidden_behind_a_nul_is_refused(good, tmp_path):
    path = write(tmp_path / "b", [*good, ("zzz.json_bundle", b"x")])
    path.write_bytes(path.read_bytes().replace(b"zzz.json_bundle", b"card.json\0undle"))
    with pytest.raises(IntegrityError):
        read_bundle(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_is_refused(good, tmp_path):
    with pytest.raises(IntegrityError, match="twice"):
        read_bundle(write(tmp_path / "b", [*[m for m in good if m[0] != "gate-set.h5"], ("card.json", b"{}")]))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO])
def test_links_and_other_kinds_are_refused(good, tmp_path, kind):
    info = zipfile.ZipInfo("card.json")
    info.external_attr = (kind | 0o777) << 16
    members = [(info, data) if name == "card.json" else (name, data) for name, data in good]
    with pytest.raises(IntegrityError, match="regular file"):
        read_bundle(write(tmp_path / "b", members))


def test_encrypted_members_are_refused(exported, tmp_path):
    data = bytearray(exported.read_bytes())
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    (tmp_path / "b").write_bytes(data)
    with pytest.raises(IntegrityError, match="encrypted"):
        read_bundle(tmp_path / "b")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(good, tmp_path, method):
    info = zipfile.ZipInfo("card.json")
    info.compress_type = method
    members = [(info, data) if name == "card.json" else (name, data) for name, data in good]
    with pytest.raises(IntegrityError, match="packed"):
        read_bundle(write(tmp_path / "b", members))


def test_bombs_are_refused_before_they_go_off(good, tmp_path):
    info = zipfile.ZipInfo("gate-set.h5")
    info.compress_type = zipfile.ZIP_DEFLATED
    members = [(info, bytes(20 << 20)) if name == "gate-set.h5" else (name, data) for name, data in good]
    with pytest.raises(IntegrityError, match="too large"):
        read_bundle(write(tmp_path / "b", members))


def test_a_bomb_that_lies_about_its_size_is_refused(good, tmp_path):
    info = zipfile.ZipInfo("gate-set.h5")
    info.compress_type = zipfile.ZIP_DEFLATED
    members = [(info, bytes(1 << 20)) if name == "gate-set.h5" else (name, data) for name, data in good]
    path = write(tmp_path / "b", members)
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 1 << 20), struct.pack("<L", 100)))
    with pytest.raises(IntegrityError):
        read_bundle(path)


def test_limits_hold(exported, good, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("tfbs_hub.registry.bundle.MAX_BUNDLE_BYTES", 100)
        with pytest.raises(IntegrityError, match="may have 100 bytes"):
            read_bundle(exported)
    data = b" " * (limits.MAX_BUNDLE_MANIFEST_BYTES + 1)
    with pytest.raises(IntegrityError, match="too large"):
        read_bundle(write(tmp_path / "b", [*good, ("bundle.json", data)]))


@pytest.mark.parametrize(
    "manifest",
    [
        {"files": {}},
        {"files": {"card.json": {"sha256": "0" * 64, "size": 1}}},
        {"name": "OTHER"},
        {"format": "other"},
        {"format_version": 2},
        {"kind": "gate"},
        {"name": 7},
    ],
)
def test_manifests_that_do_not_fit_are_refused(good, tmp_path, manifest):
    with pytest.raises(IntegrityError):
        read_bundle(write(tmp_path / "b", good, manifest))


def test_cards_that_do_not_fit_are_refused(good, tmp_path, make_card):
    others = [member for member in good if member[0] != "card.json"]
    for card in (make_card("STAT3", b"other weights").to_json(), b"{}", b"", dict(good)["card.json"] + b" "):
        with pytest.raises(IntegrityError):
            read_bundle(write(tmp_path / "b", [*others, ("card.json", card)]))
    with pytest.raises(IntegrityError, match=r"bundle\.json"):
        read_bundle(write(tmp_path / "b", others))


def test_data_before_or_after_the_zip_is_refused(exported, tmp_path):
    for data in (exported.read_bytes() + b"tail", exported.read_bytes()[:-1], b"PK\x03\x04" + exported.read_bytes()):
        (tmp_path / "b").write_bytes(data)
        with pytest.raises(IntegrityError):
            read_bundle(tmp_path / "b")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_damage_gets_through(exported, tmp_path, data):
    good = exported.read_bytes()
    bad = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([len(bad), len(bad), data.draw(st.integers(0, len(bad)))]))
    (tmp_path / "bad").write_bytes(bad[:cut])
    try:
        bundle = read_bundle(tmp_path / "bad")
    except TfbsHubError:
        return
    # Dates and the like may differ; what is taken from the bundle may not.
    assert bundle == read_bundle(exported)


def test_the_buffer_is_a_plain_zip(exported):
    with zipfile.ZipFile(io.BytesIO(exported.read_bytes())) as archive:
        assert archive.testzip() is None
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
