"""What air, optics, sensor and storage do to a picture."""

from __future__ import annotations

import cv2
import numpy as np

from geo_r1_backend.pretraining.dice import Dice
from geo_r1_backend.pretraining.photo.textures import grain_windows


def photographed(dice: Dice, image: np.ndarray, *, gentle: bool = False) -> np.ndarray:
    """The picture as it might have been delivered, ``(height, width, 3)`` uint8.

    Args:
        dice: decides all.
        image: RGB uint8.
        gentle: for pictures that are photographs already.
    """
    height, width = image.shape[:2]
    strength = 0.6 if gentle else 1.0
    if dice.chance(0.5 * strength):  # taken at fewer pixels and enlarged
        factor = dice.log_uniform(1.15, 2.4)
        small = cv2.resize(
            image, (round(width / factor), round(height / factor)), interpolation=cv2.INTER_AREA
        )
        how = cv2.INTER_CUBIC if dice.chance(0.6) else cv2.INTER_LINEAR
        image = cv2.resize(small, (width, height), interpolation=how)
    elif dice.chance(0.6):
        image = cv2.GaussianBlur(image, (0, 0), dice.uniform(0.3, 1.1))
    image = _tones(dice, image, strength)
    if dice.chance(0.6 * strength):
        lighter, darker = grain_windows(dice, height, width, dice.uniform(1, 8))
        image = cv2.subtract(cv2.add(image, lighter), darker)
    if dice.chance(0.3 * strength):
        spread = dice.uniform(1, 7)
        planes = [grain_windows(dice, height, width, spread) for _ in range(3)]
        more = cv2.merge([plane[0][..., 0] for plane in planes])
        less = cv2.merge([plane[1][..., 0] for plane in planes])
        image = cv2.subtract(cv2.add(image, more), less)
    if dice.chance(0.25):
        soft = cv2.GaussianBlur(image, (0, 0), 1.2)
        image = cv2.addWeighted(image, 1.6, soft, -0.6, 0)
    if dice.chance(0.5):
        quality = dice.integer(35, 95)
        _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(image)


def _tones(dice: Dice, image: np.ndarray, strength: float) -> np.ndarray:
    gamma = dice.log_uniform(1 - 0.3 * strength, 1 / (1 - 0.3 * strength))
    dim = dice.chance(0.3 * strength)
    gain, contrast = (
        dice.uniform(0.55, 0.85) if dim else dice.uniform(0.88, 1.15),
        dice.uniform(0.78, 1.12),
    )
    haze = dice.uniform(0, 60 * strength) if dice.chance(0.35) else 0.0
    ramp = (np.arange(256, dtype=np.float32) / 255) ** gamma * 255
    table = np.empty((1, 256, 3), np.uint8)
    for channel in range(3):
        cast = dice.uniform(1 - 0.09 * strength, 1 + 0.09 * strength)
        curve = ((ramp - 118) * contrast + 118) * gain * cast * (1 - haze / 300) + haze
        table[0, :, channel] = np.clip(curve, 0, 255)
    image = cv2.LUT(image, table)
    share = dice.uniform(0.55, 1.25)
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, share, gray, 1 - share, 0)


def colour_infrared(image: np.ndarray) -> np.ndarray:
    """Near infrared, red, green shown as red, green, blue: plants are red, roads bluish green.

    The infrared is guessed from the greenness; close enough to learn that colours may mean something else.
    """
    rgb = image.astype(np.float32)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    plants = np.clip((2 * green - red - blue) / 60, 0, 1)
    infrared = red * 0.75 * (1 - plants) + plants * (110 + 0.8 * green)
    return np.clip(np.stack([infrared, red, green], -1), 0, 255).astype(np.uint8)
