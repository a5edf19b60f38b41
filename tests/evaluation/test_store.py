from __future__ import annotations

import contextlib
import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tfbs_hub.errors import InputError, IntegrityError, NotFoundError, TfbsHubError, UsageError
from tfbs_hub.evaluation import store
from tfbs_hub.evaluation.compare import compare
from tfbs_hub.evaluation.results import EvaluationRun
from tfbs_hub.evaluation.store import dataset_to_bytes, read_dataset, read_run, to_bytes

ROOT = Path(__file__).resolve().parents[2]


def kept(data: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "run.h5"
    path.write_bytes(data)
    return path


def test_a_run_comes_back_to_the_last_bit(example_run, same, tmp_path):
    data = to_bytes(example_run)
    back = read_run(kept(data, tmp_path))
    assert same(back, example_run)
    assert to_bytes(back) == data


def test_what_compare_finds_comes_back(same, tmp_path):
    rng = np.random.default_rng(0)
    labels = (np.arange(300) % 2).astype(np.int8)
    scores = {"moe": rng.normal(labels), "A": rng.normal(labels), "flat": np.zeros(300)}
    file = {"name": "x.fa", "sha256": "b" * 64, "rows": 300}
    found = compare("x", file, "other-tfs", labels, scores, alpha={"moe": {"A": 1.0}}, sequence_digest="d" * 64)
    assert same(read_dataset(kept(dataset_to_bytes(found), tmp_path)), found)
    # A difference without any scatter is infinitely many standard errors.
    perfect = compare("x", file, "given", labels, {"a": labels - 0.5, "b": scores["flat"]}, sequence_digest="")
    assert np.isinf(perfect.delong[0].z)
    assert same(read_dataset(kept(dataset_to_bytes(perfect), tmp_path)), perfect)


def test_the_stored_example_of_version_1_still_reads(example_file, example_run, same):
    assert same(read_run(example_file), example_run)


def test_the_stored_example_holds_what_its_schema_says(example_file):
    with h5py.File(example_file) as file:
        assert file.attrs["format"] == b"tfbs-hub-evaluation"
        assert file.attrs["format_version"] == 1
        assert json.loads(bytes(file["models/moe"][...]))["members"] == ["ARID3A", "GATA3"]
        dataset = file["datasets/ARID3A"]
        assert set(dataset) == {
            *("labels", "sequence_digest", "resample_seeds", "measures", "alpha", "models"),
            *("anova", "tukey", "delong", "paired_difference"),
        }
        assert set(dataset["models/moe"]) == {"scores", "bootstrap_auroc", "roc_fpr", "roc_tpr"}
        assert "anova" not in file["datasets/a%2Fb"]
        arrays = []
        file.visititems(
            lambda name, item: arrays.append(item) if isinstance(item, h5py.Dataset) and len(item) else None
        )
        assert len(arrays) > 20
        assert all(item.fletcher32 for item in arrays)


def test_the_examples_of_the_documentation_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/formats/evaluation.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for block in blocks:
            exec(block, {})
    assert re.search(r"^ARID3A  moe +AUROC 0\.\d{3}  \(95 % interval 0\.\d{3} to [01]\.\d{3}\)$", said.getvalue(), re.M)
    assert said.getvalue().count("AUROC") == 3


def test_equal_runs_give_equal_bytes_at_any_time(example_run):
    first = to_bytes(example_run), dataset_to_bytes(example_run.datasets[0])
    time.sleep(1.1)
    assert (to_bytes(example_run), dataset_to_bytes(example_run.datasets[0])) == first


@pytest.mark.parametrize("name", ["a/b", ".", "..", "a%2Fb", "größer 🧬", "<b>[red]", "a\udcffb", "x" * 300, " ", "-o"])
def test_any_name_comes_back(example_run, same, tmp_path, name):
    dataset = example_run.datasets[0]
    first, second = dataset.models
    odd = replace(
        example_run,
        command=("evaluate", name),
        models={name: {"weights_sha256": name}, "other": {}},
        datasets=(
            replace(
                dataset,
                name=name,
                file={"name": name, "sha256": "a" * 64, "rows": 1},
                models=(replace(first, name=name, alpha={name: 1.0}), second),
                **{
                    rows: tuple(replace(row, a=name) for row in getattr(dataset, rows))
                    for rows in ("tukey", "delong", "paired")
                },
            ),
        ),
    )
    assert same(read_run(kept(to_bytes(odd), tmp_path)), odd)


def test_order_is_kept_whatever_the_names(example_run, same, tmp_path):
    dataset = example_run.datasets[1]
    shuffled = replace(
        example_run,
        models={name: {} for name in ("z", "b", "moe", "a")},
        datasets=tuple(replace(dataset, name=name) for name in ("z", "b", "10", "9")),
    )
    assert same(read_run(kept(to_bytes(shuffled), tmp_path)), shuffled)


def test_long_commands_and_many_models_fit(example_run, same, tmp_path):
    dataset = example_run.datasets[1]
    model = dataset.models[0]
    names = [f"model-{number}" for number in range(100)]
    large = replace(
        example_run,
        command=("evaluate", *(f"{number:0100}.fa" for number in range(2000))),
        models={name: {"extra": "x" * 1000} for name in names},
        datasets=(replace(dataset, models=tuple(replace(model, name=name) for name in names)),),
    )
    assert same(read_run(kept(to_bytes(large), tmp_path)), large)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"models": {"moe": {"x": float("nan")}}}, "card of moe cannot be written"),
        ({"models": {"moe": {"x": np.float32(1)}}}, "card of moe cannot be written"),
        ({"models": {"": {}}}, "cannot be the name"),
        ({"models": {"a\0": {}}}, "cannot be the name"),
        ({"run": ""}, "cannot be the name"),
        ({"seed": 1 << 63}, "seed 9223372036854775808 is beyond"),
    ],
)
def test_what_cannot_be_kept(example_run, change, what):
    with pytest.raises(InputError, match=what):
        to_bytes(replace(example_run, **change))


def test_two_of_one_name_cannot_be_kept(example_run):
    dataset = example_run.datasets[0]
    with pytest.raises(InputError, match="two data sets are called ARID3A"):
        to_bytes(replace(example_run, datasets=(dataset, dataset)))
    with pytest.raises(InputError, match="two models on ARID3A are called moe"):
        dataset_to_bytes(replace(dataset, models=(dataset.models[0],) * 2))


def test_a_file_that_no_registry_takes_is_not_made(example_run, tmp_path, monkeypatch):
    path = kept(to_bytes(example_run), tmp_path)
    monkeypatch.setattr(store, "MAX_EVALUATION_BYTES", 1000)
    with pytest.raises(UsageError, match="no more than 1,000"):
        to_bytes(example_run)
    with pytest.raises(IntegrityError, match="may have 1000 bytes"):
        read_run(path)


def test_not_there_not_hdf5_and_not_of_this_kind(example_run, tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        read_run(tmp_path / "none.h5")
    with pytest.raises(InputError, match="not an HDF5 file"):
        read_run(kept(b"text", tmp_path))
    with pytest.raises(InputError, match="not a file of format tfbs-hub-evaluation-dataset"):
        read_dataset(kept(to_bytes(example_run), tmp_path))
    with pytest.raises(InputError, match="not a file of format tfbs-hub-evaluation"):
        read_run(kept(dataset_to_bytes(example_run.datasets[0]), tmp_path))


def test_a_truncated_file_is_damaged(example_run, tmp_path, reader):
    data = to_bytes(example_run)
    for size in (9, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(IntegrityError, match="damaged"):
            read_run(kept(data[:size], tmp_path), read=reader.read)


def test_flipped_bits_are_seen_or_change_nothing(example_run, same, tmp_path, reader):
    data = to_bytes(example_run)
    rng = np.random.default_rng(0)
    seen = 0
    for place in rng.integers(len(data), size=150):
        broken = bytearray(data)
        broken[place] ^= 1 << int(rng.integers(8))
        try:
            back = read_run(kept(bytes(broken), tmp_path), read=reader.read)
        except (IntegrityError, InputError):
            seen += 1
        else:
            # What remains lies in the gaps that HDF5 leaves between its parts.
            assert same(back, example_run)
    assert seen > 60


def linked(name: str, link: object) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        del file[name]
        file[name] = link

    return edit


def replaced(name: str, **options) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        del file[name]
        file.create_dataset(name, **options)

    return edit


def changed(name: str, column: str, value: object) -> Callable[[h5py.File], object]:
    def edit(file: h5py.File) -> None:
        table = file[name][...]
        table[column] = value
        file[name][...] = table

    return edit


def attribute(name: str, value: object, group: str = "/") -> Callable[[h5py.File], object]:
    return lambda file: file[group].attrs.__setitem__(name, value)


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(40,), dtype=np.int8)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(40,))
    del file["datasets/ARID3A/labels"]
    file.create_virtual_dataset("datasets/ARID3A/labels", layout)


def unknown_filter(file: h5py.File) -> None:
    del file["datasets/ARID3A/labels"]
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((40,))
    settings.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)
    group = file["datasets/ARID3A"].id
    h5py.h5d.create(group, b"labels", h5py.h5t.STD_I8LE, h5py.h5s.create_simple((40,)), settings)


SET, MOE = "datasets/ARID3A", "datasets/ARID3A/models/moe"


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (linked(f"{SET}/labels", h5py.ExternalLink("/etc/passwd", "x")), "labels: a link to another place"),
        (linked(SET, h5py.ExternalLink("/etc/passwd", "x")), "a link to another place"),
        (linked(f"{SET}/labels", h5py.SoftLink("/datasets")), "a link to another place"),
        (virtual, "another file"),
        (replaced(f"{SET}/labels", shape=(40,), dtype="i1", external=[("/etc/passwd", 0, 40)]), "another file"),
        (unknown_filter, "filter"),
        (replaced(f"{MOE}/scores", shape=(1 << 50,), dtype="f8", chunks=(8,)), "more than"),
        (replaced(f"{MOE}/scores", shape=(4 << 20,), dtype="f8", chunks=(4 << 20,)), "chunks"),
        (replaced(f"{SET}/labels", data="text"), "array of numbers"),
        (replaced(f"{SET}/labels", data=np.array([b"x"], h5py.string_dtype())), "array of numbers"),
        (replaced(f"{SET}/measures", shape=(2,), dtype=[("model", h5py.string_dtype())]), "array of numbers"),
        (lambda file: file[SET].create_group("deep/er/and/deeper"), "does not belong"),
        (lambda file: file[SET].__setitem__("again", file[SET]), "does not belong"),
        (lambda file: [file.attrs.__setitem__(f"a{n}", n) for n in range(70)], "attributes"),
        (attribute("format_version", 2), "format version 2; this tfbs-hub reads 1\nupdate tfbs-hub"),
        (attribute("format", "x"), "not a file of format"),
        (attribute("seed", "x"), "attribute seed"),
        (attribute("seed", 1.5), "attribute seed"),
        (attribute("trials", 9), "8 resamples, not 9"),
        (attribute("command", np.bytes_(b"{}")), "command is JSON of the wrong kind"),
        (attribute("command", np.bytes_(b"[1]")), "command is no list of names"),
        (attribute("versions", np.bytes_(b"[" * 100_000)), "versions is not JSON"),
        (attribute("datasets", np.bytes_(b'["none"]')), "none: labels is missing"),
        (attribute("models", np.bytes_(b'["none"]')), "models: none is missing"),
        (attribute("file", np.bytes_(b"{}"), SET), "nothing of name"),
        (lambda file: file[SET].attrs.__delitem__("name"), "attribute name"),
        (lambda file: file.__delitem__(f"{SET}/measures"), "measures is missing"),
        (lambda file: file.__delitem__(MOE), "moe: scores is missing"),
        (replaced(f"{SET}/labels", data=np.full(40, 2, "i1")), "0 or 1"),
        (replaced(f"{SET}/labels", data=np.zeros(40, "i8")), "labels is int64"),
        (replaced(f"{SET}/resample_seeds", data=np.zeros(7, "u8")), "bootstrap_auroc is float64"),
        (replaced(f"{MOE}/scores", data=np.zeros(39)), "scores is float64"),
        (replaced(f"{MOE}/scores", data=np.full(40, np.nan)), "not finite"),
        (replaced(f"{MOE}/roc_tpr", data=np.zeros(3)), "roc_tpr is float64"),
        (replaced(f"{SET}/delong", data=np.zeros(3)), "delong is not a table"),
        (replaced(f"{SET}/anova", data=np.zeros(1, [("F", "f8")])), "anova is not a table"),
        (changed(f"{SET}/measures", "auroc", np.nan), "not finite"),
        (changed(f"{SET}/measures", "model", b"moe"), "share a name"),
        (changed(f"{SET}/tukey", "a", b"x"), "models that are not there"),
        (replaced("models/moe", data=np.frombuffer(b"[]", np.uint8)), "moe is JSON of the wrong kind"),
        (replaced("models/moe", data=np.frombuffer(b"\xff", np.uint8)), "moe is not JSON"),
    ],
)
def test_foreign_files_are_refused_for_what_they_are(example_run, tmp_path, reader, edit, what):
    path = kept(to_bytes(example_run), tmp_path)
    with h5py.File(path, "r+") as file:
        edit(file)
    with pytest.raises(TfbsHubError, match=what) as caught:
        read_run(path, read=reader.read)
    assert caught.value.exit_code in {2, 4}
    assert str(path) in caught.value.where


def test_a_file_of_one_data_set_holds_one(example_run, tmp_path):
    path = kept(dataset_to_bytes(example_run.datasets[0]), tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["datasets"] = np.bytes_(b"[]")
    with pytest.raises(IntegrityError, match="one data set was expected, not 0"):
        read_dataset(path)


def test_a_run_without_data_sets_is_one_all_the_same(example_run, same, tmp_path):
    empty: EvaluationRun = replace(example_run, datasets=(), command=())
    assert same(read_run(kept(to_bytes(empty), tmp_path)), empty)
