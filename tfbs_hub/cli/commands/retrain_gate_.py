"""tfbs-hub retrain-gate."""

from __future__ import annotations

import click
import msgspec

from tfbs_hub.cli.options import complete_expert, device_option, json_option, seed_option, with_hub
from tfbs_hub.cli.output import print_json, print_table, say
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.hub import Hub, Retrained
from tfbs_hub.names import short

__all__ = ["command"]


@click.command("retrain-gate")
@click.option("--experts", help="Names to mix, comma-separated [default: all enabled].", shell_complete=complete_expert)
@click.option("--gate", default="balanced", show_default=True, help="How to train it: balanced, or paper.")
@click.option(
    "--data", multiple=True, type=click.Path(dir_okay=False), help="Further sequences to learn from; repeatable."
)
@click.option(
    "--simulated-gate-sets",
    is_flag=True,
    help="Simulate from JASPAR the gate sets that are not on this machine, and say so.",
)
@click.option("--trials", type=click.IntRange(0), default=0, help="Size of a hyperparameter search (Optuna).")
@device_option
@seed_option
@json_option
@with_hub
def command(hub: Hub, experts: str | None, as_json: bool, **options: object) -> None:
    """Train a gate over the enabled experts and make it current; no expert's byte changes."""
    names = None if experts is None else [name.strip() for name in experts.split(",") if name.strip()]
    with shown_progress() as report:
        made = hub.retrain_gate(experts=names, report=report, **options)  # type: ignore[arg-type]
    if as_json:
        print_json(
            {
                "gate": {"digest": made.card.weights_sha256, "experts": [member.name for member in made.card.members]},
                "previous": made.previous,
                "temperature": made.card.temperature,
                "simulated": made.card.simulated,
                "gate_sets": [
                    {**msgspec.to_builtins(score), "previous_auroc": made.before[score.name]}
                    for score in made.card.gate_sets
                ],
                "embeddings": {
                    "computed": made.computed,
                    "reused": made.reused,
                    "seconds": made.embedding_seconds,
                },
                "expert_weights": dict(made.untouched),
            }
        )
        return
    _tell(made)


def _tell(made: Retrained) -> None:
    names = [member.name for member in made.card.members]
    if made.card.simulated:
        say("note: simulated gate sets were used; this gate's card says so")
    scores = [
        (
            score.name,
            score.kind,
            f"{score.rows:,}",
            "-" if made.before[score.name] is None else f"{made.before[score.name]:.3f}",
            f"{score.auroc:.3f}",
        )
        for score in made.card.gate_sets
    ]
    print_table(
        "validation AUROC of the gate",
        ("gate set", "kind", "rows", "before", "now"),
        scores,
        right=("rows", "before", "now"),
    )
    mixing = [
        (score.name, *(f"{score.alpha[name]:.2f} / {score.contribution[name]:+.2f}" for name in names))
        for score in made.card.gate_sets
    ]
    print_table("mean alpha / contribution of each expert (bound sequences)", ("gate set", *names), mixing, right=names)
    click.echo(
        f"embeddings: {made.computed} computed, {made.reused} reused, {made.embedding_seconds:.2f} s; "
        f"temperature {made.card.temperature:.3f}"
    )
    weights = [(path, digest[:16] + "…") for path, digest in made.untouched.items()]
    print_table("experts' weights, hashed before and after: unchanged", ("file", "sha256"), weights)
    digest = made.card.weights_sha256
    if made.previous == digest:
        click.echo(f"gate {short(digest)} was current already: nothing changed")
    else:
        before = "the first" if made.previous is None else f"after {short(made.previous)}, which stays"
        click.echo(f"gate {short(digest)} is current ({before}); undo: tfbs-hub rollback")
