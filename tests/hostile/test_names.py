"""Names and arguments that are paths, options, devices, or made to deceive."""

from __future__ import annotations

import pytest

MEME = b"""MEME version 4

ALPHABET= ACGT

MOTIF EBOX EBOX
letter-probability matrix: alength= 4 w= 4 nsites= 20 E= 0
0.1 0.7 0.1 0.1
0.7 0.1 0.1 0.1
0.1 0.7 0.1 0.1
0.1 0.1 0.7 0.1
"""

NAMES = {
    "a path": "../../etc/passwd",
    "an absolute path": "/etc/passwd",
    "a home": "~/.bashrc",
    "a path of Windows": "..\\..\\evil",
    "a dot": ".",
    "two dots": "..",
    "an option": "-rf",
    "a device of Windows": "CON",
    "a port of Windows": "com1.bed",
    "nothing": "",
    "spaces": "   ",
    "a wild card": "*",
    "a shell's command": "$(touch evil)",
    "another command": "x; rm -rf .",
    "a line feed": "EBOX\nEVIL",
    "an escape": "\x1b[2JEBOX",
    "a link of a terminal": "\x1b]8;;http://example.org\x07EBOX\x1b]8;;\x07",
    "a C1 control": "\x9b31mEBOX",
    "markup": "[@click=app.quit()]EBOX[/]",
    "another direction": "\u202eXOBE",
    "a look-alike": "\u0415BOX",
    "a letter that cannot be seen": "EB\u200bOX",
    "a letter of two": "E\u0301BOX",
    "10,000 letters": "A" * 10_000,
}
# Where no expert can have such a name, saying that there is none is right.
ASKING = {
    "show": ["show", "--", "{}"],
    "enable": ["enable", "--", "{}"],
    "disable": ["disable", "--", "{}"],
    "remove": ["remove", "--", "{}"],
    "export": ["export", "--", "{}", "out.tfbs"],
    "predict": ["predict", "--model={}", "in.fa"],
    "explain": ["explain", "--model={}", "in.fa"],
    "retrain": ["retrain-gate", "--experts={}"],
}


@pytest.fixture
def in_fa(here):
    """Something to ask about."""
    (here / "in.fa").write_bytes(b">a\n" + b"ACGT" * 15 + b"A\n")


@pytest.mark.parametrize("row", NAMES)
def test_no_command_finds_an_expert_of_that_name(in_fa, refused, row):
    for command, words in ASKING.items():
        arguments = [word.format(NAMES[row]) for word in words]
        nothing_named = not NAMES[row].strip() and command in {"explain", "retrain"}
        error = ("UsageError", 2, "") if nothing_named else ("NotFoundError", 3, "")
        refused(arguments, *error)


@pytest.mark.parametrize("row", NAMES)
def test_no_expert_is_made_of_that_name(here, refused, row):
    (here / "m.meme").write_bytes(MEME)
    name = NAMES[row]
    made = ["--architecture=pwm", "--motif=m.meme"]
    refused(["add-expert", "EBOX", f"--name={name}", *made], "UsageError", 2, "cannot be the name of an expert")


@pytest.mark.parametrize("row", NAMES)
def test_no_plugin_is_written_of_that_name(refused, row):
    refused(["new-plugin", "--", NAMES[row]], "UsageError", 2, "")


RUNS = ["../../registry", "/etc/passwd", "..", "x" * 5000, "\x1b[2J", "*"]


@pytest.mark.parametrize("name", RUNS, ids=["path", "absolute", "dots", "long", "escape", "wild card"])
def test_no_run_is_found_outside_the_registry(refused, name):
    error = ("InputError", 2) if name == "/etc/passwd" else ("NotFoundError", 3)
    refused(["evaluate", f"--from={name}"], *error, "")


# id: arguments, error, exit code, words
ARGUMENTS = {
    "no such command": ("frobnicate", "NoSuchCommand", 2, "No such command"),
    "a command of 5,000 letters": (["x" * 5000], "NoSuchCommand", 2, "No such command"),
    "an escape for a command": (["\x1b[2J"], "NoSuchCommand", 2, "No such command"),
    "no argument": ("predict", "MissingParameter", 2, "Missing argument"),
    "an argument too many": ("show EBOX ETS", "UsageError", 2, "unexpected extra argument"),
    "no such option": ("experts --frobnicate", "NoSuchOption", 2, "No such option"),
    "an option of escapes": (["experts", "--\x1b[2J"], "NoSuchOption", 2, "No such option"),
    "a seed of words": ("retrain-gate --seed x", "BadParameter", 2, "--seed"),
    "a seed below 0": ("retrain-gate --seed -1", "BadParameter", 2, "--seed"),
    "a seed of 100 digits": (["retrain-gate", "--seed", "9" * 100], "BadParameter", 2, "--seed"),
    "a seed of 5,000 digits": (["retrain-gate", "--seed", "9" * 5000], "BadParameter", 2, "--seed"),
    "a step of 0": ("predict in.fa --tile 0", "BadParameter", 2, "--tile"),
    "a step of 10^30": (["predict", "in.fa", "--tile", "1" + "0" * 30], "UsageError", 2, "from 1 to 61"),
    "a device": ("predict in.fa --device tpu", "BadParameter", 2, "--device"),
    "a generation of words": ("rollback x", "BadParameter", 2, "x"),
    "a generation of -1": ("rollback -- -1", "BadParameter", 2, "-1"),
    "a generation of 10^30": (["rollback", "1" + "0" * 30], "NotFoundError", 3, "there is no generation"),
    "a method of nobody": ("explain in.fa --method ../x", "UsageError", 2, "../x"),
    "an architecture of nobody": ("add-expert X --data in.fa --architecture os:system", "UsageError", 2, "os:system"),
    "a source of nobody": ("add-expert X --source os:system", "UsageError", 2, "os:system"),
    "a file as a registry": ("experts --registry in.fa", "NotFoundError", 3, "in.fa"),
    "a registry that is not there": ("experts --registry none", "NotFoundError", 3, "there is no registry here"),
    "output into a folder that is not there": (
        "predict in.fa -o none/x.tsv",
        "NotFoundError",
        3,
        "the folder does not",
    ),
    "output into a file": ("predict in.fa -o in.fa/x.tsv", "NotFoundError", 3, "in.fa"),
    "output as a folder": ("predict in.fa -o .", "BadParameter", 2, "is a directory"),
    "a file in a file": ("predict in.fa/x.fa", "NotFoundError", 3, "in.fa/x.fa: no such file"),
    "a file's name of 5,000 letters": (["predict", "x" * 5000], "StorageError", 1, "File name too long"),
    "a file's name of escapes": (["predict", "\x1b[2J\x1b]0;x\x07.fa"], "NotFoundError", 3, "no such file"),
}


@pytest.mark.parametrize("row", ARGUMENTS)
def test_an_argument_that_cannot_be_is_refused(in_fa, refused, row):
    arguments, *expected = ARGUMENTS[row]
    refused(arguments, *expected)
