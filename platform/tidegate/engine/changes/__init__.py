"""What would change it: the smallest sets of fact changes that give a wanted outcome."""

from tidegate.engine.changes.answers import Answer, Change, ChangeSet
from tidegate.engine.changes.finding import changes
from tidegate.engine.changes.wants import Want, read_want

__all__ = ["Answer", "Change", "ChangeSet", "Want", "changes", "read_want"]
