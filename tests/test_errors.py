from __future__ import annotations

import copy
import pickle

import pytest

from tfbs_hub import errors
from tfbs_hub.errors import TfbsHubError

KINDS = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("where", "hint"), [(None, None), ("f.txt:3", None), (None, "do this"), ("key", "do that")])
def test_errors_survive_copies_and_process_borders(kind, where, hint):
    error = kind("it broke", where=where, hint=hint)
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert (again.what, again.where, again.hint) == ("it broke", where, hint)
        assert str(again) == str(error)
        assert again.args == error.args


def test_text_says_where_what_and_what_next():
    assert str(TfbsHubError("it broke")) == "it broke"
    assert str(TfbsHubError("it broke", where="f:3")) == "f:3: it broke"
    assert str(TfbsHubError("it broke", where="f:3", hint="mend it")) == "f:3: it broke\nmend it"


def test_every_error_is_listed_and_drawn():
    found = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, TfbsHubError)
    }
    assert found == set(errors.__all__)
    drawing = errors.__doc__.splitlines()
    for kind in KINDS:
        (line,) = [line for line in drawing if f" {kind.__name__} " in line]
        assert line.split(kind.__name__)[1].split()[0] == str(kind.exit_code)
        parent = kind.__mro__[1]
        assert parent is Exception or drawing.index(line) > drawing.index(
            next(line for line in drawing if f" {parent.__name__} " in line)
        )


def test_exit_codes_are_the_command_lines():
    codes = {
        "UsageError": 2,
        "InputError": 2,
        "NotFoundError": 3,
        "OfflineError": 3,
        "IntegrityError": 4,
        "PluginError": 5,
        "BusyError": 6,
        "InterruptedRunError": 130,
    }
    for kind in KINDS:
        assert kind.exit_code == codes.get(kind.__name__, 1)
    roots = [kind for kind in KINDS if kind.__mro__[1] is TfbsHubError and kind.exit_code != 1]
    assert len({kind.exit_code for kind in roots}) == len(roots)
