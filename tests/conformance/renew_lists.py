"""Write the lists anew from the published cases:

    python tests/conformance/renew_lists.py <folder of the reference data>

Look at the difference before you keep it: a case that no longer passes is a change of meaning.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from evaluators import EVALUATORS
from suites import Tally, run
from test_published_cases import LISTS, SUITES


def as_list(tally: Tally) -> dict[str, object]:
    reasons = {reason: sorted(ids) for reason, ids in sorted(tally.not_ours.items())}
    return {"passed": sorted(tally.passed), "not_ours": reasons}


def main(data: Path) -> int:
    failed = 0
    for name, cases in SUITES.items():
        tally = run(cases(data), EVALUATORS["reference"])
        failed += len(tally.failed)
        print(tally.told(name), *(f"\n  {case}: {why}" for case, why in tally.failed.items()))
        text = json.dumps(as_list(tally), ensure_ascii=False, indent=1)
        (LISTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
