"""Ask the shipped mixture about sequences, and read who said what.

python examples/predict_in_python.py
"""

from __future__ import annotations

from pathlib import Path

from tfbs_hub import Hub

HERE = Path(__file__).parent


def main() -> None:
    hub = Hub.open()
    result = hub.predict(HERE / "sequences.fa")
    for row, name in enumerate(result.ids):
        said = dict(zip(result.experts, result.contribution[row], strict=True))
        loudest = max(said, key=lambda expert: abs(said[expert]))
        print(f"{name:<32} P(bound) {result.probability[row]:.2f}   {loudest} said {said[loudest]:+.2f}")

    alone = hub.predict(["ACGT" * 11 + "AGATAAGA" + "ACGT" * 11], model="GATA3")
    print(f"GATA3 alone, one site in a repeat: logit {alone.logit[0]:+.2f}")


if __name__ == "__main__":
    main()
