"""What the algorithms have in common: the service behind them, errors as Processing's own, words that are translated."""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional, Union

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsSettings,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.errors import GeoR1Error, Unexpected
from ..core.sentences import explain
from ..core.settings import Settings
from ..network.access import AccessKeeper
from ..network.blocking import BlockingService, Left

log = logging.getLogger(__name__)
translate = QCoreApplication.translate

Parameters = Dict[str, Any]
MAX_SEED = 2**31 - 1


class ServiceAlgorithm(QgsProcessingAlgorithm):
    """`prepare` runs on the main thread, `work` on one that may wait."""

    def __init__(self, access: AccessKeeper) -> None:
        super().__init__()
        self._access = access
        self._settings = Settings()

    def createInstance(self) -> QgsProcessingAlgorithm:
        return type(self)(self._access)

    def work(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        """Do it; the outputs by name.

        Raises:
            GeoR1Error: what went wrong.
            Left: if the user left.
        """
        raise NotImplementedError

    def clean(self) -> None:
        """Let go of what `prepare` and `work` made; called in any case."""

    def prepare(self, parameters: Parameters, context: QgsProcessingContext) -> None:
        """Take from layers and settings what `work` needs; on the main thread.

        Raises:
            QgsProcessingException: if a parameter cannot be used.
        """

    def prepareAlgorithm(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        self._settings = Settings.load(QgsSettings())
        refusal = self._refusal(parameters, context)
        del self, parameters, context, feedback  # as in `processAlgorithm`
        if refusal:
            raise QgsProcessingException(refusal)
        return True

    def _refusal(self, parameters: Parameters, context: QgsProcessingContext) -> str:
        try:
            self.prepare(parameters, context)
        except GeoR1Error as error:
            return error_words(error)
        except QgsProcessingException as error:
            return str(error)
        return ""

    def processAlgorithm(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        outcome = self._outcome(parameters, context, feedback)
        # QGIS's handler (`processing_exception_handler`) fetches an exception that comes out of here and never lets go of
        # it, nor of this frame, its variables and the frame that called: hand over words, and hold nothing
        del self, parameters, context, feedback
        if isinstance(outcome, str):
            raise QgsProcessingException(outcome)
        return outcome

    def _outcome(
        self, parameters: Parameters, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Union[Dict[str, Any], str]:
        """The outputs, or in words why there are none."""
        try:
            return self.work(parameters, context, feedback)
        except Left:
            feedback.pushInfo(translate("GeoR1Processing", "Cancelled; nothing was started."))
            return {}
        except GeoR1Error as error:
            log.warning("processing: %s (request %s)", error.code, error.request_id or "-")
            return error_words(error)
        except QgsProcessingException as error:
            return str(error)
        except Exception as error:  # border: QGIS would say nothing of what happened
            log.exception("processing")
            return error_words(Unexpected(error))
        finally:
            self.clean()

    def service(self, feedback: QgsProcessingFeedback) -> BlockingService:
        """The service that the dock would use, for a `with` on this thread."""

        def say_starting() -> None:
            feedback.pushInfo(translate("GeoR1Processing", "The service is being started…"))

        return BlockingService(
            self._settings,
            self._access,
            wants_to_leave=feedback.isCanceled,
            starting=say_starting,
        )

    def model_of(self, parameters: Parameters, context: QgsProcessingContext) -> Optional[str]:
        """The model that was typed, else the one chosen in the dock; none = the service's own choice."""
        typed = self.parameterAsString(parameters, "MODEL", context).strip()
        return typed or self._settings.model or None

    def add(
        self, parameter: QgsProcessingParameterDefinition, *, is_advanced: bool = False
    ) -> None:
        """Declare a parameter, under “Advanced” if few people need it."""
        if is_advanced:
            flag = QgsProcessingParameterDefinition.Flag.FlagAdvanced
            parameter.setFlags(parameter.flags() | flag)
        self.addParameter(parameter)


def error_words(error: GeoR1Error, *, with_hint: bool = True) -> str:
    """What went wrong and what to do, in one paragraph."""
    words = explain(error, QCoreApplication.translate)
    sentences = [
        each if each.endswith((".", "!", "?", "…")) else f"{each}."
        for each in (words.title, words.text, words.hint if with_hint else "")
        if each
    ]
    return " ".join(sentences)
