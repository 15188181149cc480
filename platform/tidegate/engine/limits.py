"""How large documents and facts may be, so that work on them ends soon and in bounded memory. The
limits of expressions are in `language/parser.py`; docs/rule-language.md lists them all.
"""

MAX_BYTES = 8_000_000
MAX_VALUES = 400_000
MAX_VALUES_FULL = 150_000  # in documents that need the full YAML parser, which is slow
MAX_LINE = 200_000
MAX_ALIASES = 500
MAX_DEPTH = 40
MAX_DIGITS = 40
MAX_RULES = 10_000
MAX_PROBLEMS = 200
MAX_DERIVED_DEPTH = 100

# of one subject's facts
MAX_LINES = 10_000  # lines of a list, and members of a list of texts
MAX_FACT_TEXT = 100_000  # characters
MAX_WINDOWS = 1_000  # of one fact
MAX_LOOKS = 500_000  # lines against lines, of all rules of a set together
