"""The words for what can be wrong with getting or deleting a model, on this side of the wire."""

from __future__ import annotations

from typing import Dict

from .sentence import QT_TRANSLATE_NOOP, Mend, Sentence

HUB_SENTENCES: Dict[str, Sentence] = {
    "hub-missing": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The hub shows no such model"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "{hub} has no repository “{repository}”, or does not show it to everybody.",
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Check the spelling (owner/name). For a private one, give the service a token: as HF_TOKEN, or as the one "
            "line of the file hub-token in its data folder.",
        ),
    ),
    "hub-revision-missing": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The model has no such revision"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{repository}” has no “{revision}”."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "A revision is a branch (such as main), a tag or the 40 digits of a commit.",
        ),
    ),
    "hub-gated": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The owner lets in those who accept conditions"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{repository}” is gated."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Log in and accept the conditions at {hub}/{repository}, make a token that may read it, and give it to "
            "the service: as HF_TOKEN, or as the one line of the file hub-token in its data folder.",
        ),
    ),
    "hub-token-refused": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The hub does not accept the service’s token"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{hub} refuses the token of {place}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Make a new one in your account there, or take it away: most models need none.",
        ),
    ),
    "hub-unreachable": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The hub cannot be reached"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{hub}: {reason}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Go on later: what has come is kept. Without network, copy a model's folder to this machine and type "
            "“geo-r1 models import FOLDER”.",
        ),
    ),
    "hub-unsafe": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The weights are in a form that can run code"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "“{repository}” has its weights only as pickle ({file}). That is not fetched.",
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Look for a revision with *.safetensors, or ask its owner for one."
        ),
    ),
    "hub-unfit": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This model cannot be used here"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "“{repository}”: {reason}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Models of the families Qwen2.5-VL, Qwen2-VL and Qwen3-VL can, with weights as safetensors.",
        ),
    ),
    "hub-moved": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The model has changed since you agreed"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "“{revision}” of “{repository}” was {agreed:.12} when you agreed and is {now:.12} now.",
        ),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "Look at what comes again; or take the old one, by its commit {agreed}."
        ),
    ),
    "plan-changed": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The download has another size than you agreed to"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "It has {size_bytes:,} bytes, agreed were {agreed_bytes:,}."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Look at what comes again."),
    ),
    "fetch-damaged": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "A file came damaged"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "{file}: {reason}."),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "It was thrown away. Go on, and only this file is fetched anew."
        ),
    ),
    "fetch-unknown": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This download is not there any more"), "", ""
    ),
    "fetch-active": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The model is being fetched already"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Another program or window fetches “{repository}”."),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Wait for it, or stop it there."),
    ),
    "disk-too-small": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "There is no room for the model"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "It needs {need_bytes:,} bytes more on the service's disk; {free_bytes:,} are free.",
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Make room there. Nothing was fetched."),
    ),
    "downloads-off": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This server fetches no models for others"),
        "",
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "Ask its owner to fetch the model there (“geo-r1 models fetch”), or to start it with --allow-downloads.",
        ),
    ),
    "model-in-use": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The model is needed"),
        QT_TRANSLATE_NOOP("GeoR1Errors", "It is not deleted: {reason}."),
        "",
    ),
    "model-kept": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "This model is not deleted from here"),
        "",
        QT_TRANSLATE_NOOP(
            "GeoR1Errors",
            "It belongs to the installation, or its folder was put in place by hand.",
        ),
    ),
    "service-too-old": Sentence(
        QT_TRANSLATE_NOOP("GeoR1Errors", "The service is older than this"),
        QT_TRANSLATE_NOOP(
            "GeoR1Errors", "It can list models, but neither fetch nor unload nor delete them."
        ),
        QT_TRANSLATE_NOOP("GeoR1Errors", "Update the service."),
        Mend.HOW_TO_UPDATE,
    ),
}
