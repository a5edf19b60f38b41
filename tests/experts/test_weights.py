from __future__ import annotations

import io
import json
import math
import pickle
import struct
from dataclasses import asdict

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tfbs_hub.cards import canonical_json
from tfbs_hub.errors import IntegrityError, NotFoundError
from tfbs_hub.experts.deepbind import DeepBind
from tfbs_hub.experts.residual import Residual
from tfbs_hub.experts.weights import (
    MAX_HEADER_BYTES,
    Header,
    load_expert,
    load_state,
    pack,
    pack_expert,
    read_header,
    read_tensors,
)

FLOATS = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)


def resolve(reference):
    if reference != "here:Net":
        raise NotFoundError(f"{reference} is not registered")
    return DeepBind


def safetensors(header, body=FLOATS):
    """A file with this header, given as JSON text or as an object."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def one(name="a", dtype="F32", shape=(4,), offsets=(0, 16)):
    return {name: {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


META = {"__metadata__": {"tfbs_hub": "{}"}}


@pytest.fixture
def expert(make_expert):
    return make_expert(DeepBind)


@pytest.fixture
def forged(expert):
    """The bytes of an expert whose header and tensors were tampered with."""

    def make(tensors=None, **header):
        honest = {
            "architecture": "here:Net",
            "config": expert.config,
            "window": expert.window,
            "embedding_dim": expert.embedding_dim,
            "format": 1,
        }
        return pack({**expert.state_dict(), **(tensors or {})}, {**honest, **header})

    return make


def test_round_trip(architecture, make_expert):
    expert = make_expert(architecture)
    data = pack_expert(expert, "here:Net")
    header, loaded = load_expert(data, lambda name: architecture, "x")
    assert header == Header(
        architecture="here:Net", config=expert.config, window=expert.window, embedding_dim=expert.embedding_dim
    )
    assert not loaded.training
    assert not any(module.training for module in loaded.modules())
    for name, tensor in expert.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert pack_expert(loaded, "here:Net") == data


def test_equal_weights_give_equal_bytes(architecture, make_expert):
    first, second = (pack_expert(make_expert(architecture), "here:Net") for _ in range(2))
    assert first == second
    assert pack_expert(make_expert(architecture, seed=1), "here:Net") != first


def test_packing_leaves_the_network_as_it_is(expert):
    expert.train()
    data = pack_expert(expert, "here:Net")
    assert expert.training
    with torch.no_grad():
        expert.output.bias.add_(1)
    assert pack_expert(expert, "here:Net") != data


def test_tied_and_strided_tensors_can_be_packed():
    shared = torch.arange(6.0).reshape(2, 3)
    _, tensors = read_tensors(pack({"a": shared, "b": shared, "c": shared.T}, {}), "x")
    assert torch.equal(tensors["a"], shared)
    assert torch.equal(tensors["b"], shared)
    assert torch.equal(tensors["c"], shared.T)


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8).filter(
            lambda name: name != "__metadata__"
        ),
        st.tuples(
            st.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8]),
            st.lists(st.integers(0, 3), max_size=4),
        ),
        max_size=6,
    )
)
def test_any_tensors_survive(shapes):
    tensors = {name: torch.zeros(shape, dtype=dtype) + 3 for name, (dtype, shape) in shapes.items()}
    header, read = read_tensors(pack(tensors, {"some": ["thing", 1.5, None]}), "x")
    assert header == {"some": ["thing", 1.5, None]}
    assert set(read) == set(tensors)
    assert all(torch.equal(read[name], tensors[name]) and read[name].dtype == tensors[name].dtype for name in tensors)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * (MAX_HEADER_BYTES + 1),
        (1 << 62).to_bytes(8, "little") + b"{}",
        (100).to_bytes(8, "little") + b"{}",
        safetensors(b"{"),
        safetensors(b"[]"),
        safetensors(b"null"),
        safetensors(b"\xff\xfe"),
        safetensors(b"[" * 100_000),
        safetensors(one()),
        safetensors({**one(), "__metadata__": {}}),
        safetensors({**one(), "__metadata__": "{}"}),
        safetensors({**one(), "__metadata__": {"tfbs_hub": "{}", "more": "x"}}),
        safetensors({**one(), "__metadata__": {"tfbs_hub": {}}}),
        safetensors({**one(), "__metadata__": {"tfbs_hub": "[]"}}),
        safetensors({**one(), "__metadata__": {"tfbs_hub": "{"}}),
        safetensors({**one(), "__metadata__": {"tfbs_hub": '{"a":1,"a":1}'}}),
        safetensors({**one(), "__metadata__": {"tfbs_hub": "[" * 50_000}}),
        safetensors({**META, **one(dtype="F16")}),
        safetensors({**META, **one(dtype="BOOL", shape=(16,))}),
        safetensors({**META, **one(dtype=["F32"])}),
        safetensors({**META, **one(shape=(3,))}),
        safetensors({**META, **one(shape=(-4,))}),
        safetensors({**META, **one(shape=(4.0,))}),
        safetensors({**META, **one(shape=(True, 4))}),
        safetensors({**META, **one(shape=("4",))}),
        safetensors({**META, **one(shape=(4, *[1] * 8))}),
        safetensors({**META, **one(shape=(2**62, 2**62, 0), offsets=(0, 0))}, b""),
        safetensors({**META, **one(offsets=(0, 20))}),
        safetensors({**META, **one(offsets=(-4, 12))}),
        safetensors({**META, **one(offsets=(16, 0))}),
        safetensors({**META, **one(offsets=(0, 8, 16))}),
        safetensors({**META, "a": {"dtype": "F32", "shape": [4]}}),
        safetensors({**META, "a": None}),
        safetensors({**META, "a": []}),
        safetensors({**META, **one("a", shape=(2,), offsets=(0, 8)), **one("b", shape=(3,), offsets=(4, 16))}),
        safetensors({**META, **one("a", shape=(4,)), **one("b", shape=(4,))}),
        safetensors({**META, **one("a", shape=(1,), offsets=(0, 4)), **one("b", shape=(2,), offsets=(8, 16))}),
        safetensors({**META, **one("a", shape=(3,), offsets=(4, 16))}),
        safetensors({**META, **one("a", shape=(3,), offsets=(0, 12))}),
        safetensors({**META, **one()}, FLOATS + b"x"),
        safetensors({**META, **one()}, FLOATS[:-1]),
        safetensors({**META, **{str(number): None for number in range(10_001)}}),
        safetensors(b'{"__metadata__":{"tfbs_hub":"{}"},"a":1,"a":1}'),
        safetensors(
            b'{"__metadata__":{"tfbs_hub":"{}"},"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
        ),
        safetensors(b'{"__metadata__":{"tfbs_hub":"{}"},"__metadata__":{"tfbs_hub":"{}"}}', b""),
        safetensors({**META, **one()}, struct.pack("<4f", 1, math.nan, 1, 1)),
        safetensors({**META, **one()}, struct.pack("<4f", 1, 1, 1, math.inf)),
        safetensors({**META, **one(dtype="F64", shape=(2,))}, struct.pack("<2d", 1, -math.inf)),
        pickle.dumps({"a": 1}),
    ],
)
def test_a_hostile_file_is_refused(data):
    with pytest.raises(IntegrityError, match=r"bad\.safetensors"):
        read_tensors(data, "bad.safetensors")


@pytest.mark.parametrize(
    ("tensors", "body"),
    [
        ({**one("a", shape=(1,), offsets=(0, 4)), **one("b", shape=(2,), offsets=(8, 16))}, FLOATS),
        ({**one("a", shape=(2,), offsets=(0, 8)), **one("b", shape=(3,), offsets=(4, 16))}, FLOATS),
        (one("a", shape=(3,), offsets=(4, 16)), FLOATS),
        (one(), FLOATS + b"x"),
        (one(), FLOATS[:-1]),
    ],
)
def test_gaps_and_overlaps_show_in_the_header_alone(tensors, body):
    with pytest.raises(IntegrityError, match="tensors"):
        read_header(safetensors({**META, **tensors}, body), "x")


def test_a_shape_of_a_million_sides_is_refused_at_once():
    header = json.dumps({**META, **one(shape=[9] * 490_000)}, separators=(",", ":")).encode()
    assert len(header) < MAX_HEADER_BYTES
    with pytest.raises(IntegrityError, match="shape"):
        read_tensors(safetensors(header), "x")


def test_a_renamed_torch_file_is_refused():
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(2)}, buffer)
    with pytest.raises(IntegrityError):
        read_tensors(buffer.getvalue(), "x")


def test_every_cut_is_refused(expert):
    data = pack_expert(expert, "here:Net")
    for length in [*range(0, len(data), 97), len(data) - 1]:
        with pytest.raises(IntegrityError):
            load_expert(data[:length], resolve, "x")


def test_reading_the_header_alone(expert):
    assert read_header(pack_expert(expert, "here:Net"), "x")["config"] == expert.config


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"output.bias": torch.zeros(2)}, "shape"),
        ({"output.bias": torch.zeros(1, dtype=torch.float64)}, "float64"),
        ({"output.bias": torch.zeros(1, dtype=torch.int64)}, "int64"),
        ({"output.bias": torch.zeros(())}, "shape"),
        ({"stray": torch.zeros(1)}, "stray"),
        ({"../../output.bias": torch.zeros(1)}, "unknown"),
    ],
)
def test_tensors_that_are_not_the_networks(forged, tensors, said):
    with pytest.raises(IntegrityError, match=said):
        load_expert(forged(tensors), resolve, "x")


def test_a_missing_tensor(expert):
    state = {name: tensor for name, tensor in expert.state_dict().items() if name != "output.bias"}
    data = pack(state, asdict(Header(architecture="here:Net", config=expert.config, window=31, embedding_dim=4)))
    with pytest.raises(IntegrityError, match=r"missing: \['output.bias'\]"):
        load_expert(data, resolve, "x")


def test_nothing_is_loaded_if_anything_is_wrong(expert):
    own = {name: tensor.clone() for name, tensor in expert.state_dict().items()}
    changed = {name: tensor + 1 for name, tensor in own.items()} | {"output.bias": torch.zeros(3)}
    with pytest.raises(IntegrityError):
        load_state(expert, changed, "x")
    assert all(torch.equal(expert.state_dict()[name], tensor) for name, tensor in own.items())


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"window": 32}, "window"),
        ({"embedding_dim": 5}, "width"),
        ({"window": "31"}, "window"),
        ({"window": True}, "window"),
        ({"config": {"window": 31, "detectors": 10**9}}, "detectors"),
        ({"config": {"window": 31, "evil": 1}}, "evil"),
        ({"config": []}, "config"),
        ({"architecture": 3}, "architecture"),
        ({"format": 2}, "format"),
        ({"added_later": 1}, "added_later"),
    ],
)
def test_a_header_that_lies(forged, header, said):
    with pytest.raises(IntegrityError, match=said):
        load_expert(forged(**header), resolve, "x")


def test_the_resolver_has_the_word_on_architectures(forged):
    with pytest.raises(NotFoundError, match="os:system"):
        load_expert(forged(architecture="os:system"), resolve, "x")


def test_deep_nesting_in_the_configuration(expert):
    honest = canonical_json(Header(architecture="here:Net", config={"deep": 0}, window=31, embedding_dim=4)).decode()
    for depth in (900, 960, 980, 990, 1000, 5000):
        known = honest.replace('"deep":0', f'"deep":{"[" * depth}{"]" * depth}')
        with pytest.raises(IntegrityError):
            load_expert(safetensors({"__metadata__": {"tfbs_hub": known}}, b""), resolve, "x")


def test_counters_of_batch_normalisation_travel(make_expert):
    expert = make_expert(Residual).train()
    expert(torch.full((4, 4, 31), 0.25))
    _, loaded = load_expert(pack_expert(expert, "here:Net"), lambda name: Residual, "x")
    assert int(loaded.stem[0].num_batches_tracked) == 1


def test_a_module_that_is_no_expert_can_be_loaded_into():
    linear = nn.Linear(2, 1)
    load_state(linear, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, "x")
    assert float(linear(torch.ones(2)).detach()) == 2
