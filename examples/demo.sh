#!/usr/bin/env bash
# The main job, from the shipped experts to a gate with one expert more. Every command is printed before it runs.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Nothing here needs the network, and nothing here shall touch the user's own files.
export HF_HUB_OFFLINE=1 TFBS_HUB_CACHE="$scratch/cache" TFBS_HUB_REGISTRY="$scratch/registry"
unset TFBS_HUB_ENCODE_MIRROR
cp -R registry "$scratch/registry"

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '\n$ %s\n' "$*"; "$@"; }

say "1. The experts that come with tfbs-hub (here in a scratch copy of its registry)"
run tfbs-hub experts
run tfbs-hub show GATA3

say "2. Does a factor bind here, and which expert says so? (sequences with known sites planted)"
run tfbs-hub predict examples/sequences.fa

say "3. A new expert, STAT3, trained on sequences simulated from its JASPAR matrix"
run tfbs-hub add-expert STAT3 --source jaspar

say "4. The gate over four experts; the experts' files do not change"
echo "   (the ENCODE sequences are not on this machine, so the gate sets are simulated, and the gate's card says so)"
run tfbs-hub retrain-gate --simulated-gate-sets

say "5. Who says what now"
run tfbs-hub predict examples/sequences.fa
run tfbs-hub evaluate examples/planted.fa

say "6. Every change can be undone, and every file be checked"
run tfbs-hub gates
run tfbs-hub verify

say "Done. To go on: README.md, or tfbs-hub add-expert GABPA --source encode on a machine with a network."
