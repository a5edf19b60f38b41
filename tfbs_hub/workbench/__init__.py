"""A long-lived process that keeps models warm and answers questions, for an interface that must not import torch.

`messages` says what can be asked and what comes back, `client` is the side that asks (torch-free), `server` the side
that answers (`python -m tfbs_hub.workbench`). One JSON object a line: requests on stdin, answers on stdout, in order.

    {"id": 3, "ask": {"type": "explain", …}}
    {"cancel": 3}                     nobody waits for that answer any more
    {"id": 3, "progress": {"task", "done", "total", "message"}}
    {"id": 3, "result": {…}}          or {"id": 3, "error": {"type", "what", "where", "hint"}}
    {"warning": "…"}                  such as that of a plug-in that failed

The process ends when stdin does, so that it never outlives whoever started it.
"""
