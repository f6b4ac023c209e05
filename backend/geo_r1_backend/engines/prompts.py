"""The user's turn after the image, exactly as the paper words it: the single source for answering and for training.

The same sentences went into the published checkpoints and into the embedded model, so a changed comma here is a
worse model. It does not know chat templates or image tokens; those belong to each engine.

Source: Geo-R1 (arXiv 2509.21976), released evaluation scripts; the GRES preamble is VLM-R1's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_r1_backend.wire import Task

REC_PROBLEM = (
    "Please provide the bounding box coordinate of the region this sentence describes: {query}"
)
REC_THINK = (
    " First output the thinking process in <think> </think> tags and then output the final answer"
    " in <answer> </answer> tags. Output the final answer in JSON format."
)
REC_DIRECT = (
    " Output the final answer in <answer> </answer> tags. Output the final answer in JSON format."
)

OVD_PROBLEM = (
    "Please carefully check the image and detect the following objects: {query}. "
    "Output each detected target's bbox coordinates in JSON format. "
    "The format of the bbox coordinates is:\n"
    "```json\n"
    "[\n"
    '    {{"bbox_2d": [x1, y1, x2, y2], "label": "target name"}},\n'
    '    {{"bbox_2d": [x1, y1, x2, y2], "label": "target name"}}\n'
    "]\n"
    "```\n"
    "If there are no such targets in the image, simply respond with None."
)
OVD_THINK = (
    " Output the thinking process in <think> </think> and final answer in <answer> </answer> tags."
)

GRES_PREAMBLE = (
    "First thinks about the reasoning process in the mind and then provides the user with the answer. "
    "The reasoning process and answer are enclosed within <think> </think> and <answer> </answer> tags, "
    "respectively, i.e., <think> reasoning process here </think><answer> answer here </answer>"
)
GRES_PROBLEM = (
    "\nPlease carefully check the image and answer: {query}. "
    "Based on your answer, detect all relevant objects in the image. "
    "Output each detected target's bbox coordinates and two keypoints in JSON format. "
    "The format is:\n"
    "```json\n"
    "[\n"
    '    {{"bbox_2d": [x1, y1, x2, y2], "keypoint1": [x, y], "keypoint2": [x, y]}},\n'
    '    {{"bbox_2d": [x1, y1, x2, y2], "keypoint1": [x, y], "keypoint2": [x, y]}}\n'
    "]\n"
    "```\n"
    "If there are no such targets in the image, simply respond with None."
)


def rec(query: str, think: bool = True) -> str:
    """One object by a referring sentence."""
    return REC_PROBLEM.format(query=query) + (REC_THINK if think else REC_DIRECT)


def ovd(query: str, think: bool = True) -> str:
    """All objects of a kind."""
    return OVD_PROBLEM.format(query=query) + (OVD_THINK if think else "")


def gres(question: str) -> str:
    """Masks of whatever answers a question; always with reasoning, as in the paper."""
    return GRES_PREAMBLE + GRES_PROBLEM.format(query=question)


def prompt_for(task: Task, query: str, *, think: bool = True) -> str:
    """The prompt of a task, with the query made harmless by `clean_query`."""
    query = clean_query(query)
    if task == "rec":
        return rec(query, think)
    if task == "ovd":
        return ovd(query, think)
    return gres(query)


def clean_query(query: str) -> str:
    """The query on one line, unable to spell a special token.

    A tokenizer reads ``<|im_end|>`` in a user's text as the end of the turn, so the bar is set apart. The full
    stop of OVD and GRES is in their sentence; a second one from the user would be a prompt nobody trained on.
    A sentence wholly in capitals means what it means in small letters, but no tokenizer splits it into the same words.
    """
    line = re.sub(r"\s+", " ", query).strip()
    if line.isupper() and " " in line:
        line = line.lower()
    return line.replace("<|", "< |").replace("|>", "| >").rstrip(".").rstrip()
