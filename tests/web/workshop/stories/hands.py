"""Ways to use a page: with the mouse, with keys alone, and with a mouse where no script runs.

Every way has the same acts, so that one story can be played by each: `press`, `write`, `choose`, `tick`, `pick`
(a field for a condition) and `settle` (the editor shows what was changed).
"""

from __future__ import annotations

from typing import Any

# Where the wanted element is, seen from what has the focus: "here", "after", "before"; null when there is none to see.
WHERE = """(wanted) => {
  const all = [...document.querySelectorAll(wanted)].filter(one => one.checkVisibility());
  if (!all.length) return null;
  const now = document.activeElement;
  if (all.includes(now)) return "here";
  return now.compareDocumentPosition(all[0]) & Node.DOCUMENT_POSITION_FOLLOWING ? "after" : "before";
}"""
SHOWN = "(now => now.options[now.selectedIndex].text.trim())(document.activeElement)"
MOST_TABS = 400


class Mouse:
    """Clicks on what it sees, and types into what it clicked."""

    scripted = True

    def __init__(self, page: Any) -> None:
        self.page = page

    def visit(self, path: str) -> None:
        """By the address bar or a bookmark."""
        self.page.goto(self.page.address + path)

    def press(self, wanted: str) -> None:
        self.page.locator(wanted).locator("visible=true").first.click()

    def write(self, wanted: str, text: str) -> None:
        self.press(wanted)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def moment(self, wanted: str, local: Any) -> None:
        """A date and time into its box; `local` is shop time."""
        self.page.locator(wanted).fill(local.strftime("%Y-%m-%dT%H:%M"))

    def choose(self, wanted: str, label: str) -> None:
        self.page.wait_for_load_state("load")
        box = self.page.locator(wanted)
        titles = [text.strip() for text in box.locator("option").all_inner_texts()]
        found = [n for n, text in enumerate(titles) if label in text]
        assert found, f"{wanted} does not offer {label}: {titles}"
        box.select_option(index=found[0])

    def tick(self, wanted: str) -> None:
        self.press(wanted)

    def pick(self, row: str, typed: str, field: str) -> None:
        self.write(f'[id="{row}.s"]', typed)
        self.page.wait_for_selector(f'[id="{row}-list"] mark')  # no longer the list of everything
        self.press(f'[id="{row}-o-{field}"]')
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("#editor-form:not([aria-busy])")


class Plain(Mouse):
    """A mouse where no script runs: the editor changes when its buttons are pressed."""

    scripted = False

    def pick(self, row: str, typed: str, field: str) -> None:
        self.write(f'[id="{row}.s"]', typed)
        self.press(f'button[value="find:{row}"]')
        self.press(f'[id="{row}-o-{field}"]')

    def settle(self) -> None:
        self.press("#refresh")


class Keys(Mouse):
    """Tab, arrows, Enter, Space and typing; never the mouse, never a box that was not reached by keys."""

    def reach(self, wanted: str) -> None:
        for _ in range(MOST_TABS):
            where = self.page.evaluate(WHERE, wanted)
            if where == "here":
                return
            assert where is not None, f"{wanted} is not on the page"
            self.page.keyboard.press("Tab" if where == "after" else "Shift+Tab")
        raise AssertionError(f"Tab never reaches {wanted}")

    def press(self, wanted: str) -> None:
        self.page.wait_for_selector(wanted)
        self.reach(wanted)
        self.page.keyboard.press("Enter")

    def tick(self, wanted: str) -> None:
        self.reach(wanted)
        self.page.keyboard.press("Space")

    def write(self, wanted: str, text: str) -> None:
        self.page.wait_for_selector(wanted)
        self.reach(wanted)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def moment(self, wanted: str, local: Any) -> None:
        self.reach(wanted)
        self.page.keyboard.type(local.strftime("%m%d%Y"))
        self.page.keyboard.press("Tab")  # from the year to the hour
        self.page.keyboard.type(local.strftime("%I%M%p"))

    def choose(self, wanted: str, label: str) -> None:
        self.page.wait_for_selector(wanted)
        self.reach(wanted)
        count = int(self.page.evaluate("document.activeElement.options.length"))
        self.page.keyboard.press("Home")
        for _ in range(count):
            if label in str(self.page.evaluate(SHOWN)):
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{wanted} does not offer {label}")

    def pick(self, row: str, typed: str, field: str) -> None:
        self.write(f'[id="{row}.s"]', typed)
        self.page.wait_for_selector(f'[id="{row}-o-{field}"]')
        self.page.wait_for_function(
            f"() => document.getElementById('{row}-list').parentElement.dataset.tgShown === '{typed}'"
        )
        wanted = f"{row}-o-{field}"
        for _ in range(40):
            if (
                self.page.evaluate("document.activeElement.getAttribute('aria-activedescendant')")
                == wanted
            ):
                break
            self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        self.settle()
