"""What a training run draws its scenes from: plain scenes, photograph-like ones, and labelled photographs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geo_r1_backend.evaluation.real.held_out import held_out_airport, street_fold
from geo_r1_backend.pretraining.backgrounds import RealBackgrounds
from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.photo.compose import Sources, draw_photo
from geo_r1_backend.pretraining.photo.labelled import Photograph, draw_labelled, read_photographs
from geo_r1_backend.pretraining.photo.recipe import DENSE, PhotoRecipe
from geo_r1_backend.pretraining.photo.textures import Materials, warm_up
from geo_r1_backend.pretraining.scenes import Scene, SceneRecipe, draw_scene

SHARES = (("plain", 0.22), ("photo", 0.5), ("airplane", 0.16), ("car", 0.12))
DENSE_SHARES = (("photo", 0.6), ("airplane", 0.25), ("car", 0.15))
FEWEST_MOST, FEWEST_MOST_DENSE = (0, 20), (10, 60)
"""Objects of a labelled view."""


@dataclass(frozen=True)
class Corpus:
    """Everything in memory, made once before the loader's processes are forked."""

    sources: Sources
    photographs: dict[str, list[Photograph]]

    @classmethod
    def read(cls, data: Path, *, street_held_out: int | None = None) -> Corpus:
        """Read the sets that may enter shipped weights.

        Args:
            data: folder with naip-backgrounds/, aerial-airport/ and kit-ais-cars/.
            street_held_out: fold of the street scene to leave out; none for the weights that ship.

        Raises:
            ConfigError: naming a file that is missing.
        """
        warm_up()
        real = RealBackgrounds(data / "naip-backgrounds", evaluation=False)
        pictures = read_photographs(
            data,
            held_out_airport,
            lambda scene: street_held_out is not None and street_fold(scene) == street_held_out,
        )
        kinds = {kind: [p for p in pictures if p.kind == kind] for kind in ("airplane", "car")}
        return cls(Sources(real, Materials(real.paths)), kinds)

    def draw(self, seed: int, dice: Dice, view_px: tuple[int, int], *, dense: bool) -> Scene | None:
        """A scene of one sort or another; none where a labelled photograph gave no fair view."""
        sort = dice.weighted(DENSE_SHARES if dense else SHARES)
        if sort == "plain":
            return draw_scene(seed, SceneRecipe(), self.sources.real, view_px)
        if sort == "photo":
            return draw_photo(seed, DENSE if dense else PhotoRecipe(), self.sources, view_px)
        least, most = FEWEST_MOST_DENSE if dense else FEWEST_MOST
        return draw_labelled(
            seed, self.photographs[sort], self.sources.materials, view_px, least=least, most=most
        )
