"""FASTA and plain text that are no DNA, no text, or no end."""

from __future__ import annotations

import pytest

# id: content, error, exit code, words
ROWS = {
    "empty": (b"", "InputError", 2, "in.fa: the file is empty"),
    "blank lines": (b"\n\r\n\n", "InputError", 2, "in.fa: the file holds no sequences"),
    "a header alone": (b">a\n", "InputError", 2, "in.fa:1: a record without a sequence"),
    "the last header alone": (b">a\nACGT\n>b", "InputError", 2, "in.fa:3: a record without a sequence"),
    "a header without a name": (b">\nACGT\n", "InputError", 2, "in.fa:1: a record without a name"),
    "a header of spaces": (b">a\nACGT\n> \t \nACGT\n", "InputError", 2, "in.fa:3: a record without a name"),
    "a protein": (b">p53\nMEEPQSDPSV\n", "InputError", 2, "in.fa:2: 'E' is no DNA letter"),
    "RNA": (b">a\nACGU\n", "InputError", 2, "in.fa:2: 'U' is no DNA letter"),
    "a gap": (b">a\nAC-GT\n", "InputError", 2, "in.fa:2: '-' is no DNA letter"),
    "a stop": (b">a\nACGT*\n", "InputError", 2, "in.fa:2: '*' is no DNA letter"),
    "a space inside": (b">a\nACGT ACGT\n", "InputError", 2, "in.fa:2: ' ' is no DNA letter"),
    "a NUL inside": (b">a\nAC\0GT\n", "InputError", 2, "in.fa:2: byte 0x00 is no DNA letter"),
    "an escape inside": (b">a\nACGT\n>b\nAC\x1b[2JGT\n", "InputError", 2, "in.fa:4: byte 0x1b is no DNA letter"),
    "a look-alike A": (">a\n\u0410CGT\n".encode(), "InputError", 2, "in.fa:2: byte 0xd0 is no DNA letter"),
    "full-width letters": (">a\n\uff21\uff23\n".encode(), "InputError", 2, "in.fa:2: byte 0xef is no DNA letter"),
    "UTF-16": (">a\nACGT\n".encode("utf-16"), "InputError", 2, "in.fa:1: this text begins with a byte-order mark"),
    "a byte-order mark": (
        b"\xef\xbb\xbf>a\nACGT\n",
        "InputError",
        2,
        "in.fa:1: this text begins with a byte-order mark",
    ),
    "old Mac line ends": (b">a\rACGT\r>b\rACGT\r", "InputError", 2, "in.fa:1: a record without a sequence"),
    "FASTQ": (b"@a\nACGT\n+\nIIII\n", "InputError", 2, "in.fa:1: FASTA must begin with a line that"),
    "SAM": (b"a\t0\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\tIIII\n", "InputError", 2, "in.fa:1"),
    "GenBank": (b"LOCUS       X 4 bp\nORIGIN\n        1 acgt\n//\n", "InputError", 2, "in.fa:1"),
    "a web page": (b"<!DOCTYPE html><html><body>404</body></html>\n", "InputError", 2, "in.fa:1"),
    "JSON": (b'{"sequences": ["ACGT"]}\n', "InputError", 2, "in.fa:1"),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "InputError", 2, "in.fa:1"),
    "a program": (b"\x7fELF\x02\x01\x01\0\0\0\0", "InputError", 2, "in.fa:1"),
    "a pickle": (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0\x8c\x02os\x94.", "InputError", 2, "in.fa:1"),
    "a header after text": (b"ACGT\n>a\nACGT\n", "InputError", 2, "in.fa:1: FASTA must begin with a line that"),
    "longer than the window": (b">a\n" + b"ACGT" * 99 + b"\n", "InputError", 2, "in.fa:1: a has 396 bp"),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_is_no_dna_is_refused_where_it_stands(here, refused, row):
    content, *expected = ROWS[row]
    (here / "in.fa").write_bytes(content)
    refused("predict in.fa", *expected)


def test_stdin_is_no_better_place(refused):
    refused("predict -", "InputError", 2, "stdin:2: 'X' is no DNA letter", stdin=b">a\nACXT\n")
    refused("predict -", "InputError", 2, "stdin: the file is empty")


COMMANDS = [
    "explain in.fa",
    "evaluate in.fa",
    "add-expert NEW --data in.fa",
    "add-expert NEW --data good.fa --test in.fa",
    "add-expert NEW --data good.fa --exclude in.fa",
    "add-expert NEW --data good.fa --negatives other-tfs --others in.fa",
    "retrain-gate --data in.fa",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_reads_sequences_says_the_same(here, refused, command):
    (here / "good.fa").write_text("".join(f">p{row}\n{'ACGTTGCAAC' * 6}A\n" for row in range(30)))
    (here / "in.fa").write_bytes(b">a\nACGT\n>a_shuf\nACXT\n")
    # An evaluation is a process of its own: once is enough.
    refused(command, "InputError", 2, "in.fa:4: 'X' is no DNA letter", text=not command.startswith("evaluate"))
