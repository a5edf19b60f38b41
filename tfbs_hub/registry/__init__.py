"""What is on disk: experts and gates, immutable and versioned, and the generations that say which of them count.

    registry.json               the format of the folder
    experts/NAME/<digest12>/    weights.safetensors, card.json, maybe gate-set.h5; written once
    gates/<digest12>/           weights.safetensors, card.json; written once
    evaluations/<run-id>.h5     one immutable file a run
    generations/00000042.json   a complete snapshot; the highest number is the present state
    lock  tmp/                  made when missing; neither is needed for reading

Nothing is ever rewritten. A change stages its files in `tmp/`, moves them into place, and commits by `link()`-ing a
new generation: a compare-and-swap that one of several writers wins while the others look again. Modules, each on
top of those before it:

    layout, limits     what things are called, and how large they may be
    storage, lock      file-system primitives: reading with limits, exclusive writes, fsync, the advisory lock
    staging            all or nothing: moving a folder into place, linking a file into place
    generation         one snapshot <-> canonical JSON
    history            the row of snapshots: newest, all, commit
    reading            experts and gates of a snapshot, checked against their digests
    adding, promotion  an expert in, a gate in (`contents` is what they share)
    changes            enable, remove, roll back
    collect, verify    what may go, and whether everything is still what it was
    evaluations        finished runs
    store              `Registry`, the one object to talk to
    bundle             an expert as one file
    locate             which registry is meant

This package knows no tensors: whoever adds something passes a validator in.
"""

from __future__ import annotations

from tfbs_hub.registry.collect import GcPlan
from tfbs_hub.registry.generation import Generation
from tfbs_hub.registry.history import GenerationInfo
from tfbs_hub.registry.locate import open_registry
from tfbs_hub.registry.reading import GateRecord
from tfbs_hub.registry.store import Registry
from tfbs_hub.registry.verify import Finding

__all__ = ["Finding", "GateRecord", "GcPlan", "Generation", "GenerationInfo", "Registry", "open_registry"]
