"""Write this package's manifest and files from a registry that holds its experts.

    python pack.py REGISTRY NAME...

Weights and cards are copied as they are, so the package's experts are byte for byte those of the registry. Gate sets
are referenced by the cards (public file, rows, seed); no sequence is copied.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tfbs_hub.registry import Registry

PACKAGE = Path(__file__).parent / "src" / "tfbs_experts_encode"


def main(registry: str, names: list[str]) -> None:
    """Copy the experts `names` of `registry` into the package and list them in its manifest."""
    shutil.rmtree(PACKAGE / "experts", ignore_errors=True)
    lines = ["# Written by pack.py from the registry in which these experts were trained.", "api_version = 1"]
    for name in sorted(names):
        spec = Registry.open(Path(registry), read_only=True).expert(name)
        card = spec.card
        if card.gate_set.kind == "stored":
            raise SystemExit(f"{name}: its gate set is stored; a package of public data only refers to it")
        folder = PACKAGE / "experts" / name
        folder.mkdir(parents=True)
        shutil.copyfile(spec.weights, folder / "weights.safetensors")
        shutil.copyfile(spec.weights.with_name("card.json"), folder / "card.json")
        rows = {
            "name": name,
            "tf": card.tf,
            "architecture": card.architecture,
            "weights": f"experts/{name}/weights.safetensors",
            "sha256": card.weights_sha256,
            "card": f"experts/{name}/card.json",
        }
        lines += ["", "[[expert]]", *(f'{key} = "{value}"' for key, value in rows.items())]
    (PACKAGE / "tfbs_hub.toml").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
