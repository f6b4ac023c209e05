"""The fine-tuning part of the stub service: data sets that were sent, and a run whose events a test wrote down."""

import hashlib
import json
from urllib.parse import parse_qs, urlsplit


def score(value, part="held_out", objects=4, mean_iou=None):
    """How good answers are."""
    return {
        "part": part, "metric": "acc@0.5", "value": value, "low": value, "high": value, "objects": objects,
        "samples": objects, "mean_iou": value if mean_iou is None else mean_iou,
    }  # fmt: skip


def step(at, steps=4, reward=0.3, remaining_s=30.0):
    """One point of the curves."""
    return {
        "event": "step", "step": at, "steps": steps, "reward": reward, "reward_parts": {"format": 1.0, "iou": reward},
        "metric": reward, "loss": 0.1, "completion_tokens": 80.0 - at, "informative": 0.5, "kl": 0.0, "clipped": 0.0,
        "gradient_norm": 1.0, "learning_rate": 1e-5, "seconds": 3.0, "remaining_s": remaining_s, "method": "dapo",
    }  # fmt: skip


def look(at, value, previews=()):
    """Greedy answers on validation chips."""
    return {
        "event": "evaluation",
        "step": at,
        "score": score(value, "validation"),
        "previews": list(previews),
    }


def preview(chip, true_px, answered_px, iou=0.5):
    """A validation chip that was asked again."""
    return {
        "chip": chip, "query": "tank", "true_boxes_px": [list(true_px)], "boxes_px": [list(answered_px)],
        "reasoning": "", "iou": iou,
    }  # fmt: skip


def verdict(before=0.25, after=0.5, outcome="too_few", objects=4, low=-0.2, high=0.6):
    """The end of a run."""
    return {
        "event": "verdict", "adapter": "geo-r1-nano+r1",
        "verdict": {
            "before": score(before, objects=objects), "after": score(after, objects=objects), "gain": after - before,
            "gain_low": low, "gain_high": high, "outcome": outcome,
        },
    }  # fmt: skip


def state(name, **more):
    """A change of the run's state."""
    return {"event": "state", "state": name, **more}


GOOD_RUN = [
    state("running"), look(0, 0.25), step(1), step(2, reward=0.5), step(3, reward=0.6), step(4, reward=0.7),
    look(4, 0.5), verdict(), state("finished"),
]  # fmt: skip


class Training:
    """Data sets by id, and one run at a time; `events` is what a run will say: a list, or a function that makes one when a stream is opened."""

    def __init__(self):
        self.datasets, self.runs, self.events, self.deleted = {}, [], list(GOOD_RUN), []
        self.refusal = ()
        """(status, code) instead of a data set."""
        self.waits = {}
        """Number of an event: a `threading.Event` that must be set before it is said."""

    def make_dataset(self, body):
        """Keep what was sent."""
        value = json.loads(body)
        made = hashlib.sha256(body).hexdigest()[:16]
        self.datasets[made] = value
        parts = [sample["part"] for sample in value["samples"]]
        counts = {part: parts.count(part) for part in ("train", "validation", "held_out")}
        return {
            "id": made, "name": value["name"], "tasks": ["rec"], "samples": counts, "objects": counts,
            "chips": len({sample["chip"] for sample in value["samples"]}), "size_bytes": 1,
            "created": "2026-01-01T00:00:00Z",
        }  # fmt: skip

    def make_run(self, body):
        """Begin a run."""
        value = json.loads(body)
        run = {
            "id": f"run-{len(self.runs) + 1}", "name": value.get("name", ""), "dataset": value["dataset"],
            "model": "geo-r1-nano", "method": value.get("method") or "dapo", "adaptation": "lora", "state": "running",
            "step": 0, "steps": value.get("steps") or 4, "seed": value["seed"], "device": "cpu",
            "created": "2026-01-01T10:00:00Z", "elapsed_s": 0.0,
        }  # fmt: skip
        self.runs.insert(0, run)
        return run

    def find(self, made):
        """The run of an id."""
        return next((run for run in self.runs if run["id"] == made), None)

    def after(self, query):
        """The events that are still to come, with their numbers."""
        after = int(parse_qs(query).get("after", ["0"])[0])
        return [
            (number, {**event, "number": number})
            for number, event in enumerate(
                self.events() if callable(self.events) else self.events, start=1
            )
            if number > after
        ]

    def answer(self, verb, path, body):  # noqa: PLR0911 - one line for each resource
        """(status, value) of a request that is no stream; none if it is not about fine-tuning."""
        parts = urlsplit(path).path.strip("/").split("/")[1:]
        if parts[:1] == ["datasets"] and verb == "POST" and self.refusal:
            status, code = self.refusal
            return status, {"code": code, "message": f"stub: {code}", "parameters": {}}
        if parts[:1] == ["datasets"] and verb == "POST":
            return 201, self.make_dataset(body)
        if parts[:1] != ["runs"]:
            return None
        if len(parts) == 1:
            return (201, self.make_run(body)) if verb == "POST" else (200, {"runs": self.runs})
        run = self.find(parts[1])
        if run is None:
            return 404, {"code": "run-unknown", "message": "no such run", "parameters": {}}
        if verb == "DELETE":
            self.runs.remove(run)
            return 200, {}
        if parts[2:] == ["stop"]:
            run["state"] = "stopping"
        if parts[2:] == ["resume"]:
            run["state"] = "running"
        return 200, run
