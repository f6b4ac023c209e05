"""A real child process that behaves like the runner of training, without a model; what it does is told by the run's name.

Words of the name: `steps=N`, `step_s=S`, `crash=N` (exit 3 at that step), `memory=N`, `kill=N` (kill -9 of itself), `deaf` (never
looks at the stop flag), `busy` (computes on all
cores), `silent` (ends without a word), `die` (ends before it claims the run).
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from geo_r1_backend.storage.lock import LockHeld
from geo_r1_backend.storage.run_claim import claim_run
from geo_r1_backend.storage.run_database import RunDatabase, now
from geo_r1_backend.training_wire import NoteEvent, Score, StepEvent, Verdict, VerdictEvent


def main(folder, *, resume):
    told = json.loads((folder / "request.json").read_text())
    words = dict((*word.split("=", 1), "1")[:2] for word in told["request"]["name"].split())
    steps, step_s = int(words.get("steps", 5)), float(words.get("step_s", 0.02))
    if "die" in words and not resume:
        sys.exit("fake: the runner died at its start")
    with RunDatabase(folder) as database:
        try:
            with claim_run(folder, database):
                return run(database, folder, words, steps, step_s, resume)
        except LockHeld:
            return 5


def run(database, folder, words, steps, step_s, resume):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "steps": steps}))
    database.change_state("running", only_from=("queued",))
    checkpoint = folder / "checkpoint.txt"
    done = int(checkpoint.read_text()) if resume and checkpoint.exists() else 0
    if resume:
        database.append(NoteEvent(0, f"resumed after step {done}", "resumed"))
    for step in range(done + 1, steps + 1):
        if database.values().get("stop") == "1" and "deaf" not in words:
            keep(checkpoint, step - 1)
            database.change_state("stopped")
            return 0
        if not resume:
            fail_at(step, words)
        work(step_s, busy="busy" in words)
        database.append(step_event(step, steps, step_s))
        database.set(step=step, heartbeat=now())
        keep(checkpoint, step)
    database.append(VerdictEvent(0, verdict(), f"run-{folder.name}"))
    database.change_state("finished")
    return 0


def keep(checkpoint, step):
    """Whole, or as it was before."""
    part = checkpoint.with_suffix(".part")
    part.write_text(str(step))
    part.replace(checkpoint)


def work(step_s, *, busy):
    """Pass the time of a step, with all cores or without."""
    until_s = time.monotonic() + step_s
    if not busy:
        time.sleep(step_s)
        return
    import numpy as np

    numbers = np.ones((700, 700), np.float32)
    while time.monotonic() < until_s:
        numbers = numbers @ numbers * 1e-3


def fail_at(step, words):
    if int(words.get("crash", 0)) == step:
        sys.exit("fake: something broke")
    if int(words.get("memory", 0)) == step:
        sys.exit("torch.OutOfMemoryError: fake out of memory")
    if int(words.get("kill", 0)) == step:
        os.kill(os.getpid(), signal.SIGKILL)
    if int(words.get("silent", 0)) == step:
        sys.exit(0)


def step_event(step, steps, step_s):
    return StepEvent(
        number=0, step=step, steps=steps, reward=0.5, reward_parts={"format": 1.0}, metric=0.4, loss=0.1,
        completion_tokens=30.0, informative=1.0, kl=0.0, clipped=0.0, gradient_norm=1.0, learning_rate=1e-5,
        seconds=step_s, remaining_s=(steps - step) * step_s, method="dapo",
    )  # fmt: skip


def verdict():
    before = Score("held_out", "acc@0.5", 0.2, 0.1, 0.3, 40, 40, 0.2)
    after = Score("held_out", "acc@0.5", 0.6, 0.5, 0.7, 40, 40, 0.5)
    return Verdict(before, after, 0.4, 0.3, 0.5, "better")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), resume="--resume" in sys.argv))
