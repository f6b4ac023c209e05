"""The part of the stub service that manages models: plans, downloads whose events a test wrote down, load, unload, delete."""

import json
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "Geo-R1/Geo-R1-3B-GRPO-REC-10shot"
NAME = "geo-r1-3b-grpo-rec-10shot"

PLAN = {
    "repository": REPOSITORY, "revision": "main", "commit": COMMIT, "model": NAME, "hub": "https://huggingface.co",
    "files": [
        {"name": "model-00001-of-00002.safetensors", "size_bytes": 4_997_750_760, "repository": REPOSITORY},
        {"name": "model-00002-of-00002.safetensors", "size_bytes": 2_512_110_000, "repository": REPOSITORY},
        {"name": "tokenizer.json", "size_bytes": 11_421_896, "repository": "Qwen/Qwen2.5-VL-3B-Instruct"},
    ],
    "size_bytes": 7_521_282_656, "there_bytes": 0, "free_bytes": 61_600_000_000, "licence": "apache-2.0",
    "base": "Qwen/Qwen2.5-VL-3B-Instruct", "base_commit": COMMIT, "base_licence": "qwen-research",
    "left_out": [
        {"name": "training_args.bin", "size_bytes": 7_000, "reason": "pickle"},
        {"name": "trainer_state.json", "size_bytes": 90_000, "reason": "not-needed"},
    ],
}  # fmt: skip


def coming(done_bytes, phase="downloading", **more):
    """How far it is."""
    return {
        "event": "progress", "done_bytes": done_bytes, "size_bytes": PLAN["size_bytes"], "phase": phase, **more,
    }  # fmt: skip


DONE = {"event": "result", "model": NAME}
GOOD_FETCH = [
    coming(0, "asking"),
    coming(2_400_000_000, bytes_per_s=25_000_000.0, remaining_s=204.0),
    coming(PLAN["size_bytes"], "checking", file="model-00002-of-00002.safetensors"),
    DONE,
]


def model(name, **more):
    """A model of the list."""
    return {
        "id": name, "title": name, "engine": "torch", "tasks": ["rec", "ovd"], "state": "available", **more,
    }  # fmt: skip


def cut_off(done_bytes=1_000_000_000, state="stopped", **more):
    """A download that is not finished."""
    return {
        "id": f"{NAME}.{COMMIT[:12]}", "repository": REPOSITORY, "revision": "main", "commit": COMMIT, "state": state,
        "done_bytes": done_bytes, "size_bytes": PLAN["size_bytes"], **more,
    }  # fmt: skip


class Models:
    """`events` is what a download says; the model is in the list once it was played to its result."""

    def __init__(self):
        self.plan, self.events, self.fetches = dict(PLAN), list(GOOD_FETCH), []
        self.refusal = ()
        """(status, code, parameters) instead of a plan or a download."""
        self.waits = {}
        """Number of an event: a `threading.Event` that must be set before it is said."""
        self.planned, self.fetched, self.deleted, self.stopped = [], [], [], []
        self.deletion_refusal = ()

    def answer(self, verb, path, body, models):  # noqa: PLR0911 - one line for each resource
        """(status, value) of a request that is no stream; none if it is not about models."""
        parts = path.strip("/").split("/")[1:]
        if parts[:1] != ["models"] or len(parts) < 2:
            return None
        if parts[1] in ("plan", "fetch") and self.refusal:
            return self._refuse(*self.refusal)
        if parts[1] == "plan":
            self.planned.append(json.loads(body))
            return 200, self.plan
        if parts[1] == "fetches":
            return self._fetches(verb, parts)
        found = next((one for one in models if one["id"] == unquote(parts[1])), None)
        if found is None:
            return self._refuse(404, "model-unknown")
        if verb == "DELETE" and self.deletion_refusal:
            return self._refuse(*self.deletion_refusal)
        if verb == "DELETE":
            models.remove(found)
            self.deleted.append(found["id"])
        elif parts[2:] == ["load"]:
            found["state"] = "loaded"
        elif parts[2:] == ["unload"]:
            found["state"] = "available"
        return 200, found

    def _fetches(self, verb, parts):
        if len(parts) == 2:
            return 200, {"fetches": self.fetches}
        found = next((one for one in self.fetches if one["id"] == parts[2]), None)
        if found is None:
            return self._refuse(404, "fetch-unknown")
        if verb == "DELETE":
            self.fetches.remove(found)
        else:
            found["state"] = "stopped"
            self.stopped.append(found["id"])
        return 200, found

    def _refuse(self, status, code, parameters=None):
        return status, {"code": code, "message": f"stub: {code}", "parameters": parameters or {}}
