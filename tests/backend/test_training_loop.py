"""`training/grpo.py` with a policy that says what a script says: which groups teach, what is written down, what comes next."""

from __future__ import annotations

import math
import resource

import pytest
import torch
from torch import nn

from geo_r1_backend.engines.profiles import read_profile
from geo_r1_backend.errors import StorageFailed
from geo_r1_backend.storage.run_database import RunDatabase
from geo_r1_backend.training.checkpoint import Checkpoints, Progress
from geo_r1_backend.training.config import changed, make_config
from geo_r1_backend.training.dataset import Dataset
from geo_r1_backend.training.grpo import Run, dice, learning_rate, make_optimizer, train
from geo_r1_backend.training.journal import Journal
from geo_r1_backend.training.publish import write_adapter
from geo_r1_backend.training.report import remaining_s
from geo_r1_backend.training.warm_start import leave_out_if_known, told_config
from geo_r1_backend.training_wire import RunRequest, Score
from tests.backend.training_run import completions, curve, events
from tests.pure.training_data import embedded, write_dataset

RIGHT, NEAR, FAR, NONE = range(4)
"""What the scripted policy can say: the true box, one beside it, one in the corner, nothing."""


class Scripted:
    """Says the same answers about a picture each time; learns how likely each of the four is."""

    def __init__(self, script, boxes):
        self.profile = read_profile(embedded().folder)
        self.likely = nn.Parameter(torch.zeros(4))
        self.script, self.boxes = script, boxes
        self.spoiled = False

    def encode(self, image):
        # pictures are known by their pixels: the box is red
        rows, columns = (image == (200, 40, 40)).all(2).nonzero()
        return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]

    def prefix(self, image, prompt):
        return image

    def sample(self, prefix, count, *, max_new_tokens, temperature, generator):
        self.box = prefix
        said = self.script[self.boxes.index(prefix)]
        return [[said[i % len(said)]] for i in range(count)]

    at_once = 1

    def answers(self, images, prompts, *, max_new_tokens):
        said = []
        for self.box in images:
            said.append(self.decode([self.script[self.boxes.index(self.box)][0]]))
        return said

    def decode(self, ids):
        x, y, right, bottom = self.box
        beside = [right + 4, y, right + 4 + right - x, bottom]
        boxes = {RIGHT: self.box, NEAR: beside, FAR: [0, 0, 9, 9]}
        if ids[0] == NONE:
            return "<think>No.</think><answer>None</answer>"
        box = ",".join(map(str, boxes[ids[0]]))
        return f'<think>Yes.</think><answer>{{"bbox_2d":[{box}],"label":"court"}}</answer>'

    def log_probs(self, image, prompt, completions, *, reference=False):
        ids = torch.tensor([one[:1] for one in completions])
        found = self.likely.log_softmax(0)[ids]
        return (found * math.nan if self.spoiled else found), torch.ones_like(ids, dtype=bool)

    def tokens(self, text):
        return [RIGHT]

    def trainable(self):
        return {"likely": self.likely}


@pytest.fixture
def run_of(tmp_path):
    """A run of a scripted policy: one training sample for each line of the script."""
    opened = []

    def make(script, **asked):
        folder = write_dataset(tmp_path, {"train": len(script)})
        wire = {k: asked.pop(k) for k in list(asked) if k in RunRequest.__dataclass_fields__}
        config = make_config(
            RunRequest(dataset=folder.name, **{"group_size": 4, "prompts_per_step": 1, **wire}),
            run_id="a-run",
            model=embedded(),
            dataset_folder=folder,
            created="",
        )
        config = changed(config, **{"augment": False, "learning_rate": 0.1, **asked})
        database = RunDatabase(tmp_path, create=True)
        opened.append(database)
        dataset = Dataset(folder, read_profile(embedded().folder), think=True)
        boxes = [[int(v) for v in one.sample.boxes_px[0]] for one in dataset.part("train")]
        policy = Scripted(script, boxes)
        return Run(
            config=config,
            policy=policy,
            dataset=dataset,
            journal=Journal(database),
            checkpoints=Checkpoints(tmp_path),
            optimizer=make_optimizer(config, policy),
            look=lambda run: True,
        )

    yield make
    for database in opened:
        database.close()


@pytest.mark.parametrize(
    ("method", "moves"),
    [
        ("dapo", False),  # the metric is 0 for all: a phantom advantage of the shaped sum must not teach
        ("grpo", True),  # as in the paper: whatever the sum says
        ("dr_grpo", True),
    ],
)  # fmt: skip
def test_dapo_learns_from_the_true_metric_only(run_of, tmp_path, method, moves):
    """A group of misses at different distances teaches GRPO to come nearer, and DAPO nothing."""
    run = run_of([[NEAR, FAR]], method=method, steps=3)

    assert train(run)
    assert bool(run.policy.likely.abs().max() > 0) is moves
    for one in events(tmp_path, "step"):
        assert one["informative"] == 0.0
        assert (one["gradient_norm"] > 0) is moves


@pytest.mark.parametrize("method", ["grpo", "dapo", "dr_grpo"])
def test_what_is_rewarded_becomes_likely(run_of, tmp_path, method):
    """After some steps the true box is the likeliest answer, "None" and misses have become rare."""
    run = run_of([[RIGHT, NEAR, NONE, FAR]], method=method, steps=30)
    train(run)

    likely = run.policy.likely.softmax(0).tolist()
    assert likely[RIGHT] > 0.9
    assert min(likely[NEAR], likely[FAR]) > 0
    assert all(row[8] > 0 for row in completions(tmp_path) if row[5] == 1.0)  # advantage of a hit


def test_a_group_that_teaches_nothing_is_replaced_by_one_that_did(run_of, tmp_path):
    """DAPO asks an informative prompt again, afresh, in the place of one whose answers were all alike; the curve shows the first."""
    run = run_of([[RIGHT, NONE], [NONE]], method="dapo", steps=8, replay=True)
    train(run)
    asked = {}
    for step, sample, *_ in completions(tmp_path):
        asked.setdefault(step, []).append(sample)

    seen = False
    for step, samples in sorted(asked.items()):
        shown = next(e for e in events(tmp_path, "step") if e["step"] == step)
        if 0 in samples and 1 not in samples:
            seen = True
            assert shown["informative"] == 1.0
            assert len(samples) == 4
        else:
            assert samples[0] == 1
            assert shown["informative"] == 0.0
            assert (
                0 in samples
            ) is seen  # nothing to replace it with before the first informative group
            assert (shown["gradient_norm"] > 0) is seen
    assert seen


def test_a_gradient_that_is_no_number_changes_nothing(run_of, tmp_path):
    """A step whose gradient is not finite is left out with a note, and the run goes on."""
    run = run_of([[RIGHT, NONE]], method="grpo", steps=2)
    run.policy.spoiled = True

    assert train(run)
    assert run.policy.likely.abs().max() == 0
    assert [e["code"] for e in events(tmp_path, "note")] == ["not-finite"] * 2
    assert sorted(curve(tmp_path)) == [1, 2]


def test_a_run_that_is_to_stop_saves_before_its_first_step(run_of, tmp_path):
    """Asked to stop before it has begun, a run saves, does no step, and says so."""
    run = run_of([[RIGHT, NONE]], method="dapo", steps=2)
    with RunDatabase(tmp_path) as database:
        database.set(stop=1)

    assert train(run) is False
    assert run.checkpoints.steps() == [0]
    assert curve(tmp_path) == {}


def test_a_last_look_that_is_broken_off_adds_no_step(run_of, tmp_path):
    """Where the last look does not come to its end, the run is saved as unfinished after its last step, never beyond it."""
    run = run_of([[RIGHT, NONE]], method="grpo", steps=2, evaluate_every=2)
    run.look = lambda run: run.progress.step == 0

    assert train(run) is False
    assert run.checkpoints.steps() == [2]
    assert sorted(curve(tmp_path)) == [1, 2]
    assert run.progress.evaluated_step == 0  # looked at again after a resume


def test_time_left_counts_steps_looks_and_the_verdict(run_of):
    """What is left is steps, looks at the validation part, and the verdict's questions, each by its mean so far."""
    config = changed(run_of([[RIGHT]]).config, steps=10, evaluate_every=4, evaluation_samples=6)
    progress = Progress(step=2, spent_s=6.0, asked=10, asked_s=5.0)

    # 8 steps of 3 s; looks after 4, 8 and 10 of 6 questions of 0.5 s; 20 held-out samples asked twice
    assert remaining_s(config, progress, validation=9, held_out=20) == 8 * 3 + 3 * 6 * 0.5 + 20
    assert remaining_s(config, Progress(step=10, spent_s=9.0), validation=9, held_out=0) == 0


def test_the_warm_start_ends_where_rewards_begin(run_of, tmp_path):
    """`sft_dapo` is supervised for its first steps, then learns from rewards with moments of its own."""
    run = run_of([[RIGHT, NONE]], method="sft_dapo", steps=5, sft_steps=2)
    moments = []
    step_of = run.optimizer.step

    def noted():
        state = run.optimizer.state.get(run.policy.likely)
        moments.append(int(state["step"]) if state else 0)
        return step_of()

    run.optimizer.step = noted
    train(run)

    assert [e["method"] for e in events(tmp_path, "step")] == ["sft"] * 2 + ["dapo"] * 3
    assert moments == [0, 1, 0, 1, 2]  # the optimizer's own count before each update
    assert {row[0] for row in completions(tmp_path)} == {3, 4, 5}


def looking(*scores):
    """A look at the validation part that finds one score after the other: (base, then the rest)."""
    left = list(scores)

    def look(run):
        value = left.pop(0) if len(left) > 1 else left[0]
        found = Score("validation", "acc@0.5", value, 0.0, 1.0, 10, 10, value)
        if run.progress.step == 0:
            run.progress.base = found
        elif run.progress.best is None or found.value >= run.progress.best.value:
            run.progress.best, run.progress.best_step = found, run.progress.step
        return True

    return look


def test_a_model_that_knows_the_kind_is_spared_the_warm_start(run_of, tmp_path):
    """Where the untrained model scores well on the validation part, `sft_dapo` learns from rewards alone, at their own rate, and says so."""
    run = run_of([[RIGHT, NONE]], method="sft_dapo", steps=4, sft_steps=2, learning_rate_alone=0.5)
    run.look = looking(0.5)
    train(run)

    assert [e["method"] for e in events(tmp_path, "step")] == ["dapo"] * 4
    assert [e["learning_rate"] for e in events(tmp_path, "step")][3] == 0.5
    (note,) = events(tmp_path, "note")
    assert note["code"] == "warm-start-left-out"
    assert "0.50" in note["text"]
    assert told_config(run).sft_steps == 0


def test_a_lucky_answer_spares_nobody_the_warm_start(run_of, tmp_path):
    """With few validation samples one right answer says nothing: of three all must be right, of ten five."""
    for right, samples, is_spared in (
        (1, 3, False),
        (2, 3, False),
        (3, 3, True),
        (4, 10, False),
        (5, 10, True),
    ):
        run = run_of([[RIGHT, NONE]], method="sft_dapo", steps=3, sft_steps=2)
        run.progress.base = Score(
            "validation", "acc@0.5", right / samples, 0.0, 1.0, samples, samples, 0.0
        )
        leave_out_if_known(run)
        assert run.progress.has_no_warm_start == is_spared, (right, samples)


@pytest.mark.parametrize(
    ("now", "is_undone"), [(0.1, True), (0.3, True), (0.4, False), (0.5, False), (0.7, False)]
)
def test_a_warm_start_that_harms_is_undone(run_of, tmp_path, now, is_undone):
    """Where the supervised steps make the model worse, rewards begin with the untrained weights; where they do not, they go on."""
    run = run_of(
        [[RIGHT, NONE]],
        method="sft_dapo",
        steps=3,
        sft_steps=2,
        learning_rate=0.0,
        learning_rate_alone=0.0,
        warm_start_below=1.1,
    )
    before = run.policy.likely.detach().clone()
    run.untrained = {name: one.detach().clone() for name, one in run.policy.trainable().items()}
    run.look = looking(0.5, now)
    train(run)

    codes = [one["code"] for one in events(tmp_path, "note")]
    assert torch.equal(run.policy.likely, before) == is_undone, now
    assert codes == ["warm-start-undone"] * is_undone
    assert run.progress.begins_at_base == is_undone
    assert run.progress.evaluated_step == 3


def test_checkpoints_bring_everything_back(run_of, tmp_path):
    """A checkpoint restores parameters, moments, the order of prompts and the best score, bit for bit; old ones go."""
    run = run_of([[RIGHT, NONE], [NONE, RIGHT, RIGHT]], method="dapo", steps=4, evaluate_every=1)
    run.look = looking(0.2, 0.3)
    train(run)
    again = run_of([[RIGHT, NONE], [NONE, RIGHT, RIGHT]], method="dapo", steps=4)
    progress = again.checkpoints.load(again.policy.trainable(), again.optimizer)

    assert progress == run.progress
    assert (progress.base.value, progress.best.value) == (0.2, 0.3)
    assert torch.equal(again.policy.likely, run.policy.likely)
    for key, value in run.optimizer.state[run.policy.likely].items():
        assert torch.equal(again.optimizer.state[again.policy.likely][key], value)
    assert progress.replay == run.replay.state()
    assert run.checkpoints.steps() == [4]  # neither the newest nor the best: removed


def test_rates_rise_over_the_first_steps_of_each_phase(run_of):
    """The rate of each phase begins small and stays at its own full value."""
    config = changed(
        run_of([[RIGHT]]).config,
        method="sft_dapo", steps=20, sft_steps=8, warmup_steps=4, learning_rate=1.0, sft_learning_rate=3.0,
    )  # fmt: skip

    rates = [learning_rate(config, step, Progress()) for step in range(1, 21)]
    assert rates[:8] == [0.75, 1.5, 2.25, 3.0, 3.0, 3.0, 3.0, 3.0]
    assert rates[8:13] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_chance_depends_on_seed_step_and_purpose_alone(run_of):
    """The same draw comes again wherever it is computed, and no two purposes share one."""
    config = run_of([[RIGHT]]).config

    def drawn(seed, step, purpose):
        return int(
            torch.randint(2**62, (1,), generator=dice(changed(config, seed=seed), step, purpose))
        )

    assert drawn(1, 2, "turn 0") == drawn(1, 2, "turn 0")
    keys = [
        (s, t, p) for s in (0, 1) for t in (1, 2, 11) for p in ("turn 0", "answers 0", "turn 10")
    ]
    assert len({drawn(*key) for key in keys}) == len(keys)


def test_an_adapter_that_does_not_fit_leaves_the_one_before(run_of, tmp_path):
    """A disk that fills up while the adapter is written is said so, and what was published before stays whole."""
    run = run_of([[RIGHT]])
    write_adapter(run.config, run.policy, tmp_path, verdict=None, score=None)
    folder = tmp_path / "adapter"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    run.policy.trainable = lambda: {"large": nn.Parameter(torch.zeros(1 << 18))}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(StorageFailed):
            write_adapter(run.config, run.policy, tmp_path, verdict=None, score=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
