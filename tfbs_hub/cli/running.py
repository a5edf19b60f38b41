"""Long jobs from the command line: their progress on stderr, Ctrl-C ends them, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfbs_hub.cli.output import say
from tfbs_hub.cli.progress import shown_progress
from tfbs_hub.errors import InterruptedRunError
from tfbs_hub.hub import Hub
from tfbs_hub.jobs import Job, Warned

__all__ = ["run_job"]


def run_job(hub: Hub, command: str, options: Mapping[str, Any], *, resumed: str) -> Mapping[str, Any]:
    """Run a job on the hub's registry and return its result.

    Args:
        resumed: what a user is told after Ctrl-C about how to go on.

    Raises:
        TfbsHubError: whatever the job ended with.
        InterruptedRunError: Ctrl-C.
    """
    registry = hub.registry
    try:
        with Job.start(command, registry.path, options, read_only=registry.read_only) as job:
            with shown_progress() as report:
                for event in job.events():
                    if isinstance(event, Warned):
                        say(f"warning: {event.message}")
                    else:
                        report(event)
            return job.result()
    except KeyboardInterrupt as error:
        raise InterruptedRunError("interrupted", hint=resumed) from error
