"""The compiled evaluator: an index over what rules look at, built once, for live decisions and
simulation alike.
"""

from tidegate.engine.compiled.documents import FactDocument, typed_document
from tidegate.engine.compiled.program import Program, compile_set
from tidegate.engine.compiled.ruling import Ruling

__all__ = ["FactDocument", "Program", "Ruling", "compile_set", "typed_document"]
